import type { Server } from 'node:tls'
import { isMainThread } from 'node:worker_threads'
import type { Observation } from './api.ts'
import { systemClock } from './clock.ts'
import { createIdentity } from './identity.ts'
import { createKernelLooks } from './kernel/looks.ts'
import { runSs } from './kernel/ss.ts'
import { createLedger, type Ledger } from './ledger/ledger.ts'
import { createRounds, type Rounds } from './ledger/rounds.ts'
import { createOnce } from './log.ts'
import type { Settings } from './options.ts'
import { createProcessHooks, type Endings } from './process-hooks.ts'
import { copyCounts } from './reporter/counts.ts'
import { createReporter, type Reporter } from './reporter/reporter.ts'

/** Puts the parts together. `onClosed` is called when nothing of the agent is left on the server. */
export function startObservation(server: Server, settings: Settings, onClosed: () => void): Observation {
  const { site, reportNew, handshakeTimeout, log, drainTimeout } = settings
  const [clock, once] = [systemClock, createOnce()]
  const { epoch, nextId } = createIdentity(clock.date())
  const reporter = createReporter({ settings, epoch, clock, random: Math.random, once })
  const ledger = createLedger({ site, reportNew, clock, nextId, report: reporter.report })
  const looks = settings.kernel ? createKernelLooks({ handshakeTimeout, run: runSs, log, once }) : undefined
  const rounds = createRounds({ ledger, handshakeTimeout, looks, clock })
  const detach = attach(server, ledger, rounds)
  const stop = () => {
    detach()
    rounds.stop()
    for (const connection of [...ledger.open.values()]) ledger.end(connection, { ended_by: 'agent_stopped' })
  }
  const close = onlyOnce(async () => {
    stop()
    try {
      await reporter.close(drainTimeout)
    } finally {
      hooks.remove()
      onClosed()
    }
  })
  const endings = endingsOf({ reporter, stop, close, drainTimeout })
  const hooks = createProcessHooks(process, endings, settings.stopOnSigterm && isMainThread)
  return {
    close,
    stats: () => ({
      ...{ agent: settings.agent, epoch },
      handshakes: { ...ledger.counts, closed: { ...ledger.counts.closed }, open: ledger.open.size },
      events: { ...copyCounts(reporter.counts), waiting: reporter.waiting.events },
      spool: { batches: reporter.waiting.batches, bytes: reporter.waiting.bytes },
      kernel: { ...(looks?.counts ?? { looks: 0, failed: 0 }) },
    }),
  }
}

/** The ledger's listeners go first, so that no other can have destroyed the socket they read. */
function attach(server: Server, ledger: Ledger, rounds: Rounds): () => void {
  const { completed, failed } = ledger
  const accepted: Ledger['accepted'] = (socket) => {
    ledger.accepted(socket)
    rounds.expect()
  }
  server.prependListener('connection', accepted)
  server.prependListener('secureConnection', completed)
  server.prependListener('tlsClientError', failed)
  return () => {
    server.off('connection', accepted)
    server.off('secureConnection', completed)
    server.off('tlsClientError', failed)
  }
}

type EndingsParts = { reporter: Reporter; stop: () => void; close: () => Promise<void>; drainTimeout: number }

function endingsOf({ reporter, stop, close, drainTimeout }: EndingsParts): Endings {
  /** The process idles again after each drain: events that could not be sent must not make that endless. */
  let drainedAt = -1
  return {
    stop: close,
    hurry: reporter.hurry,
    idle() {
      const { reported } = reporter.counts
      if (reporter.waiting.events === 0 || reported === drainedAt) return
      drainedAt = reported
      void reporter.drain(drainTimeout)
    },
    exit() {
      if (reporter.saveSync === undefined) return
      stop()
      reporter.saveSync()
    },
  }
}

function onlyOnce(task: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined
  return () => {
    done ??= task()
    return done
  }
}
