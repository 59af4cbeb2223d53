import { cpus, release, type } from 'node:os'

/** CPU per handshake of one round, µs. */
export type Round = { without: number; with: number }

export type Results = {
  rounds: Round[]
  /** Bytes per connection whose handshake is under way. */
  memory: { without: number; with: number }
  handshakes: number
  idle: number
}

/** The results as the page that is committed. */
export function report({ rounds, memory, handshakes, idle }: Results): string {
  const without = rounds.map((round) => round.without)
  const observed = rounds.map((round) => round.with)
  const differences = rounds.map((round) => round.with - round.without)
  const shares = rounds.map((round) => (100 * (round.with - round.without)) / round.without)
  const row = (name: string, values: number[], digits = 1) =>
    `| ${[name, ...[0.5, 0.25, 0.75].map((q) => quantile(values, q).toFixed(digits))].join(' | ')} |`
  return `# What the agent costs

\`npx tsx bench/agent/run.ts\`, ${new Date().toISOString().slice(0, 10)}

${cpus()[0]?.model ?? 'unknown CPU'}, ${cpus().length} cores · ${type()} ${release()} · Node ${process.version}, OpenSSL ${process.versions.openssl}

Two servers of \`node:tls\` that do nothing but shake hands, one of them observed, each in a process of its own;
${rounds.length} rounds of ${handshakes} new TLS 1.3 connections to each, in turns (ECDSA P-256, no resumption), both on one core.
CPU is that of the server's process, all threads, user and system, until the last event is delivered: JSON, gzip and HTTP
to a sink in another process are in it.

| CPU per handshake, µs | median | lower quartile | upper quartile |
|---|---|---|---|
${row('without the agent', without)}
${row('with the agent', observed)}
${row('difference in a round', differences, 2)}
${row('difference in a round, %', shares, 2)}

| Memory per handshake under way (${idle} silent connections), bytes | |
|---|---|
| without the agent | ${Math.round(memory.without)} |
| with the agent | ${Math.round(memory.with)} |
| difference | ${Math.round(memory.with - memory.without)} |
`
}

function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (sorted.length - 1) * q
  const [low, high] = [sorted[Math.floor(at)] ?? Number.NaN, sorted[Math.ceil(at)] ?? Number.NaN]
  return low + (high - low) * (at - Math.floor(at))
}
