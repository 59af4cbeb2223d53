import { readFileSync } from 'node:fs'
import { UserError } from './user-error.ts'

/** The text of a file that a setting names. */
export function fileText(setting: string, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new UserError(`${setting} is ${path}, which cannot be read: ${(error as Error).message}`)
  }
}

/** The text of a file, or nothing where the setting is not set. */
export function optionalFileText(setting: string, path: string | undefined): string | undefined {
  return path === undefined ? undefined : fileText(setting, path)
}

/** A password, given or in a file; the newline that editors put at a file's end is not part of it. */
export function passwordOf(
  setting: string,
  { password, file }: { password: string | undefined; file: string | undefined },
): string | undefined {
  return password ?? optionalFileText(`${setting}_file`, file)?.replace(/\r?\n$/, '')
}
