/** A number for people: `2,400`. */
export function numberText(value: number): string {
  return value.toLocaleString('en-GB')
}

/** How many there are, for people: `1 seed`, `2,400 seeds`. */
export function countText(count: number, what: string): string {
  return `${numberText(count)} ${what}${count === 1 ? '' : 's'}`
}
