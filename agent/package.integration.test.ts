import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createCertificate } from './testing/certificate.ts'
import { scratchFolder } from './testing/scratch.ts'
import { type Sink, startSink } from './testing/sink.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '..')
const { keyFile, certFile } = createCertificate()
let folder: string
let sink: Sink

beforeAll(async () => {
  sink = await startSink()
  folder = scratchFolder('consumer')
  await run('npm', ['run', 'build', '-w', 'agent'], { cwd: root })
  const packed = await run('npm', ['pack', '--json', '--pack-destination', folder, '-w', 'agent'], {
    cwd: root,
  })
  const [{ filename }] = JSON.parse(packed.stdout)
  writeFileSync(join(folder, 'package.json'), '{"private":true}')
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', join(folder, filename)], {
    cwd: folder,
  })
})
afterAll(() => sink.close())

/** A whole program: serves, shakes hands with itself, closes, and tells what was delivered. */
const PROGRAM = `
const server = tls.createServer({ key: fs.readFileSync(process.argv[2]), cert: fs.readFileSync(process.argv[3]) })
server.on('secureConnection', (socket) => socket.end())
const observation = observe(server, { url: process.argv[4], agent: process.argv[5], site: 'package test' })
server.listen(0, '127.0.0.1', () => {
  const client = tls.connect({ port: server.address().port, host: '127.0.0.1', rejectUnauthorized: false })
  client.resume()
  client.on('close', async () => {
    await observation.close()
    server.close()
    console.log(JSON.stringify(observation.stats().events))
  })
})
`

describe('the package, installed from its tarball in an empty folder', () => {
  test('brings nothing else with it', () => {
    const installed = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8'))
    expect(Object.keys(installed.packages)).toEqual(['', 'node_modules/@halfshake/agent'])
    const manifest = JSON.parse(
      readFileSync(join(folder, 'node_modules/@halfshake/agent/package.json'), 'utf8'),
    )
    expect(manifest.dependencies).toBeUndefined()
    expect(manifest.license).toBe('Apache-2.0')
    for (const file of ['README.md', 'LICENSE']) {
      expect(
        readFileSync(join(folder, 'node_modules/@halfshake/agent', file), 'utf8').length,
      ).toBeGreaterThan(500)
    }
  })

  test.each([
    [
      'CommonJS',
      'program.cjs',
      `const fs = require('node:fs'), tls = require('node:tls'), { observe } = require('@halfshake/agent')`,
    ],
    [
      'ESM',
      'program.mjs',
      `import fs from 'node:fs'; import tls from 'node:tls'; import { observe } from '@halfshake/agent'`,
    ],
  ])('works in a %s program', async (_kind, file, head) => {
    writeFileSync(join(folder, file), `${head}\n${PROGRAM}`)
    const { stdout, stderr } = await run('node', [file, keyFile, certFile, sink.url, file], { cwd: folder })
    expect(JSON.parse(stdout)).toMatchObject({ reported: 1, delivered: 1, waiting: 0 })
    expect(stderr).toBe('')
    expect(sink.requests.filter(({ agent }) => agent === file)).toEqual([
      expect.objectContaining({
        events: [expect.objectContaining({ state: 'active', site: 'package test' })],
      }),
    ])
  })

  test.each(['commonjs', 'module'])('type-checks in a strict TypeScript program of type %s', async (type) => {
    const consumer = join(folder, type)
    mkdirSync(join(consumer, 'node_modules/@types'), { recursive: true })
    // Any TypeScript program for Node has these.
    for (const name of ['node', 'undici-types']) {
      const target = name === 'node' ? '@types/node' : name
      symlinkSync(join(root, 'node_modules', target), join(consumer, 'node_modules', target))
    }
    const options = { module: 'nodenext', target: 'es2022', strict: true, noEmit: true, types: ['node'] }
    writeFileSync(join(consumer, 'package.json'), JSON.stringify({ type }))
    writeFileSync(
      join(consumer, 'tsconfig.json'),
      JSON.stringify({ compilerOptions: options, files: ['consumer.ts'] }),
    )
    writeFileSync(
      join(consumer, 'consumer.ts'),
      `import { createServer as createHttps } from 'node:https'
import { createSecureServer } from 'node:http2'
import { createServer } from 'node:tls'
import { type AgentStats, observe, OptionsError, type ObserveOptions } from '@halfshake/agent'
const options: ObserveOptions = { url: 'https://ingest.example', token: 't', spool: { directory: '/tmp/x' } }
for (const server of [createServer(), createHttps(), createSecureServer()]) {
  const stats: AgentStats = observe(server, options).stats()
  const resets: number = stats.handshakes.closed.reset
  console.log(resets)
}
// @ts-expect-error an option that is not there
observe(createServer(), { url: '', retries: 3 })
console.log(OptionsError)
`,
    )
    const { stdout } = await run(
      process.execPath,
      [join(root, 'node_modules/typescript/bin/tsc'), '-p', consumer],
      {
        cwd: consumer,
      },
    ).catch((error) => error)
    expect(stdout).toBe('')
  })
})
