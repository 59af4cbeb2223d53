/** What is shorter is a word, and no secret. */
const SHORTEST = 6

/**
 * What a receiver answered, without what nobody else may know: many web servers repeat the address that they were asked for, and
 * answers are logged and listed.
 */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  const long = [...new Set(secrets)].filter(({ length }) => length >= SHORTEST)
  const longestFirst = long.sort((a, b) => b.length - a.length)
  return longestFirst.reduce((rest, secret) => rest.replaceAll(secret, '…'), text)
}

/** An address as a receiver may repeat it: whole, from its path on, or by its parts. */
export function secretsOf(url: string): string[] {
  const { href, pathname, search, searchParams, username, password } = new URL(url)
  const parts = [...pathname.split('/'), ...searchParams.values(), username, password]
  return [url, href, `${pathname}${search}`, pathname, search, ...parts, ...parts.map(decoded)]
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
