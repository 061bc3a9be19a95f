/** How many there are, for people: `1 seed`, `2,400 seeds`. */
export function countText(count: number, what: string): string {
  return `${count.toLocaleString('en-GB')} ${what}${count === 1 ? '' : 's'}`
}
