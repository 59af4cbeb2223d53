import type { Command } from 'commander'
import { explainKafkaError } from '../../core/bus/kafka/connection.ts'
import {
  createDeadLetterBox,
  type DeadLetter,
  type DeadLetterBox,
} from '../../core/bus/kafka/dead-letter-box.ts'
import { deadLetterTopic } from '../../core/bus/kafka/topics.ts'
import { loadConfig } from '../config-file.ts'
import { kafkaConnection } from '../distributed/kafka.ts'
import type { Io } from '../io.ts'
import { table } from '../table.ts'
import { UserError } from '../user-error.ts'

type Options = { config?: string; json?: boolean }

export function registerDeadLetters(program: Command, io: Io): void {
  const box = program
    .command('dead-letters')
    .description('messages on Kafka that were no batches: look at them, send them again, or throw them away')

  box
    .command('list')
    .description('print them, oldest first')
    .option('-c, --config <file>', 'configuration file')
    .option('-n, --limit <count>', 'at most so many', '20')
    .option('--json', 'for programs, with the bytes in base64')
    .action(async ({ limit, ...options }: Options & { limit: string }) => {
      const count = wholeNumber('--limit', limit, 1)
      const letters = await withBox(io, options, (open) => open.list({ limit: count }))
      if (options.json === true) io.print(JSON.stringify(letters.map(asJson), null, 2))
      else printLetters(io, letters)
    })

  box
    .command('replay')
    .description('send those up to an offset to where they came from, once what refused them is mended')
    .requiredOption('-u, --until <offset>', 'the last one that is meant')
    .option('-c, --config <file>', 'configuration file')
    .option('--json', 'for programs')
    .action(async ({ until, ...options }: Options & { until: string }) => {
      const last = wholeNumber('--until', until, 0)
      const done = await withBox(io, options, (open) => open.replay({ until: last }))
      if (options.json === true) io.print(JSON.stringify(done))
      else io.print(`${done.replayed} sent again, ${done.kept} kept because they are not whole.`)
    })

  box
    .command('drop')
    .description('throw those up to an offset away for good')
    .requiredOption('-u, --until <offset>', 'the last one that is meant')
    .option('-c, --config <file>', 'configuration file')
    .option('--json', 'for programs')
    .action(async ({ until, ...options }: Options & { until: string }) => {
      const last = wholeNumber('--until', until, 0)
      const dropped = await withBox(io, options, (open) => open.drop({ until: last }))
      if (options.json === true) io.print(JSON.stringify({ dropped }))
      else io.print(`${dropped} thrown away.`)
    })
}

async function withBox<T>(
  io: Io,
  { config: file }: Options,
  use: (box: DeadLetterBox) => Promise<T>,
): Promise<T> {
  const { config } = loadConfig(io, file)
  const connection = kafkaConnection(config)
  const log = io.logger(config.log.level)
  try {
    return await use(createDeadLetterBox({ connection, topic: config.kafka.topic, log }))
  } catch (error) {
    const topic = deadLetterTopic(config.kafka.topic)
    throw new UserError(
      `the dead letters on ${topic} cannot be reached: ${explainKafkaError(error, connection)}`,
    )
  }
}

function printLetters(io: Io, letters: readonly DeadLetter[]): void {
  if (letters.length === 0) {
    io.print('No dead letters.')
    return
  }
  const rows = letters.map((letter) => [
    letter.offset,
    new Date(letter.at).toISOString(),
    letter.reason,
    printable(letter.agent),
    `${letter.source_partition}/${letter.source_offset}`,
    letter.bytes,
    printable(letter.detail),
  ])
  io.print(table(['offset', 'moved at', 'reason', 'agent', 'came from', 'bytes', 'detail'], rows, io))
  const last = letters.at(-1)?.offset
  io.print(
    `Send these again with "halfshake dead-letters replay --until ${last}", or drop them with "… drop --until ${last}".`,
  )
}

function asJson({ value, ...letter }: DeadLetter): object {
  return { ...letter, value: value.toString('base64') }
}

/** Bytes from outside may hold what a terminal would obey. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '�')
}

function wholeNumber(option: string, text: string, min: number): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= min) return value
  throw new UserError(`${option} is ${JSON.stringify(text)}; allowed: a whole number from ${min}`)
}
