/** What the user gave cannot be used; the message is for them, a line a mistake. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
