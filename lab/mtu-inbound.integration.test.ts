import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { listNamespaces, ownerOf, runCommand } from './network/index.ts'
import type { MtuInboundResult } from './scenarios/index.ts'

const PROGRAM = join(import.meta.dirname, '..', 'bin', 'halfshake')

/** The command as a user runs it. */
function startScenario(env: Record<string, string> = {}): {
  child: ChildProcess
  output: { stdout: string; stderr: string }
} {
  const child = spawn(PROGRAM, ['lab', 'mtu-inbound', '--json'], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk) => {
    output.stdout += String(chunk)
  })
  child.stderr.on('data', (chunk) => {
    output.stderr += String(chunk)
  })
  return { child, output }
}

async function namespacesOf(pid: number | undefined): Promise<string[]> {
  return (await listNamespaces(runCommand)).filter((name) => ownerOf(name)?.pid === pid)
}

test('halfshake lab mtu-inbound flags the broken network for its cause, and the healthy one not', async () => {
  const { child, output } = startScenario()
  const [code] = await once(child, 'exit')
  expect(code, output.stderr).toBe(0)
  const result = JSON.parse(output.stdout) as MtuInboundResult
  expect(result.ok).toBe(true)
  const found = result.networks.map(({ expected, flagged, cause }) => ({ expected, flagged, cause }))
  expect(found).toEqual([
    { expected: 'broken', flagged: true, cause: 'mtu_inbound' },
    { expected: 'healthy', flagged: false, cause: '' },
  ])
  for (const { network, success_rate_before, clients } of result.networks) {
    expect(network).not.toBe('')
    expect(success_rate_before).toBe(1)
    expect(clients.small.completed).toBe(clients.small.tried)
  }
  expect(await namespacesOf(child.pid)).toEqual([])
}, 500_000)

test('Ctrl-C in the middle of it leaves nothing behind', async () => {
  const temporary = await mkdtemp(join(tmpdir(), 'halfshake-test-'))
  const { child, output } = startScenario({ TMPDIR: temporary })
  let ended = false
  const exit = once(child, 'exit').then((result) => {
    ended = true
    return result
  })
  while ((await namespacesOf(child.pid)).length < 5) {
    expect(ended, output.stderr).toBe(false)
    await sleep(100)
  }
  child.kill('SIGINT')
  const [code] = await exit
  expect(code).not.toBe(0)
  expect(await namespacesOf(child.pid)).toEqual([])
  expect((await readdir(temporary)).filter((name) => name.startsWith('halfshake-'))).toEqual([])
  await rm(temporary, { recursive: true })
}, 120_000)
