import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'

const PROGRAM = '/usr/bin/prometheus-alertmanager'

/** Debian's Alertmanager over a folder, telling a webhook; grouped by rule and network, as docs/alerts.md has it. */
export async function startAlertmanager({ folder, webhook }: { folder: string; webhook: string }) {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const config = join(folder, 'alertmanager.yml')
  await mkdir(join(folder, 'data'), { recursive: true })
  await writeFile(
    config,
    `route: { receiver: ops, group_by: [alertname, asn], group_wait: 2s, group_interval: 1s, repeat_interval: 1h }
receivers:
  - name: ops
    webhook_configs: [{ url: "${webhook}", send_resolved: true }]
`,
  )
  let child: ChildProcess | undefined

  async function start(): Promise<void> {
    child = spawn(
      PROGRAM,
      [
        `--config.file=${config}`,
        `--storage.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--cluster.listen-address=',
        '--log.level=error',
      ],
      { stdio: ['ignore', 'inherit', 'inherit'] },
    )
    const deadline = Date.now() + 30_000
    while ((await fetch(`${url}/-/ready`).catch(() => undefined))?.status !== 200) {
      if (Date.now() > deadline || child.exitCode !== null) throw new Error('Alertmanager did not start')
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  /** On SIGTERM it keeps what it has told. */
  async function stop(): Promise<void> {
    const running = child
    child = undefined
    if (running === undefined || running.exitCode !== null) return
    const ended = once(running, 'exit')
    running.kill('SIGTERM')
    await ended
  }

  await start()
  return {
    url,
    start,
    stop,
    async alerts(): Promise<
      { labels: Record<string, string>; generatorURL: string; status: { state: string } }[]
    > {
      return (await (await fetch(`${url}/api/v2/alerts`)).json()) as never
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (typeof address !== 'object' || address === null) throw new Error('no port')
  return address.port
}
