import { readFileSync } from 'node:fs'

/** The version in package.json, which lies one folder above the sources and two above a build. */
export const version =
  (['../package.json', '../../package.json'] as const)
    .map((path) => read(new URL(path, import.meta.url)))
    .find((found) => found !== undefined) ?? '0.0.0'

function read(url: URL): string | undefined {
  try {
    const { name, version } = JSON.parse(readFileSync(url, 'utf8')) as { name?: string; version?: string }
    return name === 'halfshake' ? version : undefined
  } catch {
    return undefined
  }
}
