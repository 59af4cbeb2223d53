import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type ClickHouseClient, createClient } from '@clickhouse/client'
import type { Session } from 'chdb'
import { configXml, type Role, usersXml } from './access.ts'

type ClientConnection = NonNullable<NonNullable<Parameters<typeof createClient>[0]>['connection']>

/** A connection of its own to the engine: what is set on it, nobody else sees. */
export type EngineSession = Pick<Session, 'queryAsync' | 'queryStream' | 'queryStreamBind' | 'close'>

/** The ClickHouse engine in this process. One process has one, over one folder. */
export type Engine = {
  /** A client whose connection has every right. */
  client(): ClickHouseClient
  /** A connection that has the rights of one role; to be closed after use. Costs about a millisecond. */
  session(role: Role): Promise<EngineSession>
  /** A folder for files that the engine is to read; emptied at every start. */
  readonly scratch: string
  close(): Promise<void>
}

/**
 * Opens the engine's files in `folder`/clickhouse, with the roles of access.ts. A configuration of our own also keeps
 * the engine from taking a config.xml that happens to lie in the working directory.
 */
export async function openEngine(folder: string): Promise<Engine> {
  // Only here: 150 MB that a process with a store elsewhere does not need.
  const [{ drainPending, Session }, { createChdbConnection }] = await Promise.all([
    import('chdb'),
    import('chdb/connection'),
  ])
  const path = resolve(folder, 'clickhouse')
  const scratch = resolve(folder, 'scratch')
  await rm(scratch, { recursive: true, force: true })
  for (const needed of [path, scratch]) await mkdir(needed, { recursive: true, mode: 0o700 })
  const configPath = await writeConfig(resolve(folder, 'engine'))
  // The first connection starts the engine and holds it for as long as others come and go.
  const first = new Session(path, { connectionArgs: [`--config-file=${configPath}`] })
  return {
    scratch,
    client() {
      // chdb is typed against its own copy of the client's declarations; the interface is the same.
      const connection = createChdbConnection({ path }) as unknown as ClientConnection
      return createClient({ connection })
    },
    async session(role) {
      const session = new Session(path)
      try {
        await session.queryAsync(`SET ROLE ${role}`)
      } catch (error) {
        session.close()
        throw error
      }
      return session
    },
    async close() {
      first.close()
      // Connections closed while something ran are let go afterwards; another folder can be opened only then.
      await drainPending()
    },
  }
}

async function writeConfig(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const usersPath = join(folder, 'users.xml')
  const configPath = join(folder, 'config.xml')
  await writeFile(usersPath, usersXml(), { mode: 0o600 })
  await writeFile(configPath, configXml(usersPath), { mode: 0o600 })
  return configPath
}
