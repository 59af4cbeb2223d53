/** FNV-1a, 32 bits, never 0: enough to tell the clients of one network apart. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash | 0 || 1
}
