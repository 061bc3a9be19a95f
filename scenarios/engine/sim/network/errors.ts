/** What the operating system would refuse at once; `code` is the name of an errno. */
export class NetworkError extends Error {
  override readonly name = 'NetworkError'
  readonly code: string

  constructor(code: string) {
    super(code)
    this.code = code
  }
}
