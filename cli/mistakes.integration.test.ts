import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { pcapOf } from '../agent/capture/testing.ts'
import { halfshake } from './testing/processes.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'halfshake-mistakes-'))
  writeFileSync(join(folder, 'empty.pcap'), '')
  writeFileSync(join(folder, 'notes.txt'), 'no certificate')
  writeFileSync(join(folder, 'cut.pcap.gz'), gzipSync(pcapOf([])).subarray(0, -4))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it.each([
  ['pcap', ['pcap'], /missing required argument 'file'\n\("halfshake pcap --help" shows/],
  ['lab run', ['lab', 'run'], /\("halfshake lab run --help" shows/],
  ['an empty file', ['pcap', 'FOLDER/empty.pcap'], /empty\.pcap: empty: not even the header/],
  ['standard input without a byte', ['pcap', '-'], /^-: empty/],
  ['gzip that breaks off', ['pcap', 'FOLDER/cut.pcap.gz'], /cut off.*zcat FILE \| halfshake pcap -/],
  [
    'no such interface',
    ['capture', '-i', 'nope0'],
    /^tcpdump.*--interface is nope0, there are .*\blo\b.* any$/,
  ],
  ['no URL', ['capture', '-i', 'lo', '--url', 'foo'], /^halfshake agent: url is "foo"; allowed: [^\n]*$/],
  ['no PEM', ['doctor', '127.0.0.1:1', '--ca', 'FOLDER/notes.txt'], /holds no certificate; allowed: .*PEM/],
])('says what is wrong, and what to do: %s', async (_, args, message) => {
  const running = halfshake(args.map((arg) => arg.replace('FOLDER', folder)))
  expect(await running.ended).toBe(1)
  expect(running.output().trim()).toMatch(message)
})

it('says what the lab lacks before anything is started', async () => {
  const programs = join(folder, 'programs')
  mkdirSync(programs)
  symlinkSync(process.execPath, join(programs, 'node'))
  for (const name of ['dirname', 'readlink']) symlinkSync(`/usr/bin/${name}`, join(programs, name))
  const running = halfshake(['lab', 'mtu-inbound'], { PATH: programs })
  expect(await running.ended).toBe(1)
  expect(running.output()).toMatch(/^ip is not installed: apt-get install iproute2\n$/)
})
