/** What was wrong with a capture, and where. */
export class CaptureError extends Error {
  override readonly name = 'CaptureError'
}
