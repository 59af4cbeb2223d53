/**
 * Who may do what inside the engine. A connection has every role at first; `SET ROLE` leaves it one.
 * - `engine`: the store's own connections, everything.
 * - `admin`: our own processes through the HTTP interface: tables and rows, nothing of the machine (no file(), url(), …).
 * - `reader`: data sources: rows of the tables, and their names.
 */
export const ROLES = ['engine', 'admin', 'reader'] as const
export type Role = (typeof ROLES)[number]

const ADMIN_RIGHTS = [
  'SHOW',
  'SELECT',
  'INSERT',
  'ALTER',
  'CREATE DATABASE',
  'CREATE TABLE',
  'CREATE VIEW',
  'DROP TABLE',
  'DROP VIEW',
  'DROP DATABASE',
  'TRUNCATE',
  'OPTIMIZE',
].join(', ')

/**
 * The engine's user file. Source for its form: https://clickhouse.com/docs/operations/settings/settings-users
 * The user has no rights of its own, so that what is left after `SET ROLE` is what the role has.
 */
export function usersXml(): string {
  const grants: Record<Role, readonly string[]> = {
    engine: ['GRANT ALL ON *.*'],
    admin: [`GRANT ${ADMIN_RIGHTS} ON *.*`, 'GRANT TABLE ENGINE ON *'],
    reader: ['GRANT SELECT, SHOW ON default.*'],
  }
  return `<clickhouse>
  <profiles><default/></profiles>
  <quotas><default/></quotas>
  <roles>${ROLES.map((role) => element(role, queries(grants[role]))).join('')}
  </roles>
  <users><default><no_password/><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota>
    ${queries(ROLES.map((role) => `GRANT ${role}`))}
  </default></users>
</clickhouse>
`
}

export function configXml(usersPath: string): string {
  return `<clickhouse>${element('users_config', escapeText(usersPath))}</clickhouse>\n`
}

function queries(list: readonly string[]): string {
  return element('grants', list.map((query) => element('query', query)).join(''))
}

function element(name: string, content: string): string {
  return `\n    <${name}>${content}</${name}>`
}

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
