import type { SequenceData } from './data.ts'
import { find } from './find.ts'

/** The strip of the whole run: shows which part is in sight, and leads to any other. */
export function openOverview(
  data: SequenceData,
  goTo: (atMs: number) => void,
): { showSeen(fromMs: number, toMs: number): void } {
  const [strip, seen] = [find('.overview .strip'), find('.overview .seen')]
  const share = (ms: number): number => (100 * ms) / Math.max(1, data.durationMs)
  strip.addEventListener('click', (event) => {
    const { left, width } = strip.getBoundingClientRect()
    goTo(((event.clientX - left) / width) * data.durationMs)
  })
  for (const span of document.querySelectorAll<HTMLElement>('.overview [data-from-ms]')) {
    span.addEventListener('click', () => goTo(Number(span.dataset['fromMs'])))
  }
  seen.hidden = false
  return {
    showSeen(fromMs, toMs) {
      seen.style.left = `${share(fromMs)}%`
      seen.style.width = `${Math.max(0.4, share(toMs - fromMs))}%`
    },
  }
}
