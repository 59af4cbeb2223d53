import type { WireBatch } from './events.ts'

/** Each agent sends its batches one after another, all agents at once. Returns the events answered with 202. */
export async function sendAll(url: string, all: readonly WireBatch[]): Promise<number> {
  const sent = await Promise.all([...groupByAgent(all).values()].map((own) => sendInTurn(url, own)))
  return sent.reduce((sum, count) => sum + count, 0)
}

async function sendInTurn(url: string, own: readonly WireBatch[]): Promise<number> {
  let accepted = 0
  for (const { agent, sequence, body } of own) {
    const headers = {
      'content-type': 'application/x-ndjson',
      'content-encoding': 'gzip',
      'halfshake-agent': agent,
      'halfshake-epoch': '1',
      'halfshake-sequence': String(sequence),
    }
    for (;;) {
      const answer = await fetch(`${url}/v1/events`, { method: 'POST', body, headers })
      const { accepted: count, detail } = (await answer.json()) as { accepted: number; detail?: string }
      if (answer.status === 202) {
        accepted += count
        break
      }
      if (answer.status !== 503) throw new Error(`answered ${answer.status}: ${detail}`)
      await new Promise((resolve) => setTimeout(resolve, 1_000))
    }
  }
  return accepted
}

function groupByAgent(all: readonly WireBatch[]): Map<string, WireBatch[]> {
  const groups = new Map<string, WireBatch[]>()
  for (const batch of all) groups.set(batch.agent, [...(groups.get(batch.agent) ?? []), batch])
  return groups
}
