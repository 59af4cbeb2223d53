import { expect, test } from 'vitest'
import { commandWithin, runCommand } from './command.ts'
import { checkRequirements } from './requirements.ts'

const machine = { platform: 'linux', uid: 0, path: process.env['PATH'] ?? '' }

test('a machine with Linux, root and the programs can run the lab', async () => {
  await expect(checkRequirements(['sh'], machine)).resolves.toBeUndefined()
})

test.each([
  ['another system', { ...machine, platform: 'darwin' }, /darwin: network namespaces exist on Linux only/],
  ['another user', { ...machine, uid: 1000 }, /root only: .*sudo/],
  ['no nft', { ...machine, path: '/nowhere' }, /nft is not installed: apt-get install nftables/],
])('%s is refused with what to do', async (_, without, message) => {
  await expect(checkRequirements(['nft'], without)).rejects.toThrow(message)
})

test('a program that is not there is named with its package', async () => {
  await expect(runCommand('halfshake-no-such-program', [])).rejects.toThrow(
    'halfshake-no-such-program is not installed: apt-get install halfshake-no-such-program',
  )
})

test('a program that fails is quoted with what it said', async () => {
  await expect(runCommand('sh', ['-c', 'echo no such device >&2; exit 3'])).rejects.toThrow(
    'sh -c echo no such device >&2; exit 3 failed: no such device',
  )
})

test('a program that takes too long is ended, and the deadline said', async () => {
  await expect(commandWithin(100)('sleep', ['60'])).rejects.toThrow('sleep 60 was not done after 0.1 s')
})

test('a refused privilege says what is needed', async () => {
  await expect(runCommand('sh', ['-c', 'echo Operation not permitted >&2; exit 2'])).rejects.toThrow(
    /was refused .*need root/,
  )
})
