const DAY_MS = 86_400_000

/** A time since the beginning, as precise as its size allows: `4.370 s`, `12:04.5`, `day 61 03:20:00`. */
export function timeText(ms: number): string {
  if (ms < 60_000) return `${(ms / 1000).toFixed(3)} s`
  const [seconds, minutes, hours] = [ms / 1000, ms / 60_000, ms / 3_600_000]
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0')
  if (ms < 3_600_000) return `${Math.floor(minutes)}:${(seconds % 60).toFixed(1).padStart(4, '0')}`
  const clock = `${two(hours % 24)}:${two(minutes % 60)}:${two(seconds % 60)}`
  return ms < DAY_MS ? clock : `day ${Math.floor(ms / DAY_MS)} ${clock}`
}

const UNITS = [
  ['d', DAY_MS],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
] as const

/** A length of time in its two largest units: `3 h 20 min`. */
export function lengthText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`
  const largest = UNITS.findIndex(([, unitMs]) => ms >= unitMs)
  let left = ms
  return UNITS.slice(largest, largest + 2)
    .flatMap(([unit, unitMs]) => {
      const count = Math.floor(left / unitMs)
      left -= count * unitMs
      return count === 0 ? [] : [`${count} ${unit}`]
    })
    .join(' ')
}
