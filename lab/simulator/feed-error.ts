/** The ingest refused a batch for good: wrong token, wrong address, nothing valid in it. */
export class FeedError extends Error {
  override readonly name = 'FeedError'
  readonly status: number
  constructor(url: string, status: number, detail: string) {
    super(`${url} answered ${status}: ${detail}`)
    this.status = status
  }

  /** With the detail of the problem document (RFC 9457), if the answer is one. */
  static async from(url: string, response: Response): Promise<FeedError> {
    const text = await response.text()
    return new FeedError(url, response.status, detailOf(text) ?? (text.slice(0, 200) || response.statusText))
  }
}

function detailOf(text: string): string | undefined {
  try {
    const problem = JSON.parse(text) as { detail?: unknown; title?: unknown }
    return String(problem.detail ?? problem.title)
  } catch {
    return undefined
  }
}
