/**
 * The primary of a cluster: starts the workers, and another one where one dies; keeps what they share; ends with them.
 * It serves nothing itself.
 */
import cluster, { type Worker } from 'node:cluster'
import { memoryLimits } from '../../data/limits/memory.ts'
import { sumOf } from '../../protocol/metrics.ts'
import type { Log } from '../../runtime.ts'
import { bindingsFor } from './bindings.ts'
import { type Grants, grantsOf } from './grants.ts'
import { type Speaker, speaker } from './wire.ts'

interface Lent {
  workers: number
  log: Log
  /** Resolves when the process is told to end. */
  told: Promise<void>
}

/** A worker that dies sooner than this after its start is not started again at once. Milliseconds. */
const YOUNG = 10_000
const PAUSE = 1_000

/** Resolves with what the process is to exit with, when every worker is gone. */
export function lead({ workers, log, told }: Lent): Promise<number> {
  const limits = memoryLimits(Date.now)
  const { find, keep } = bindingsFor(Date.now)
  const crew = new Map<Worker, Speaker>()
  let isEnding = false
  let haveServed = false

  function start(): void {
    const worker = cluster.fork()
    const startedAt = Date.now()
    const grants = grantsOf(limits)
    crew.set(worker, speakerTo(worker, grants))
    worker.once('listening', () => {
      haveServed = true
    })
    worker.once('exit', (code, signal) => {
      crew.delete(worker)
      grants.dropAll()
      if (isEnding) return settle()
      if (!haveServed) return end(code) // what is wrong with the first start is wrong with the next
      log('error', 'a worker died: another one takes its place', { pid: worker.process.pid, code, signal })
      setTimeout(() => (isEnding ? settle() : start()), Date.now() - startedAt < YOUNG ? PAUSE : 0)
    })
  }

  function speakerTo(worker: Worker, grants: Grants): Speaker {
    return speaker(
      worker,
      {
        take: async (asks) => grants.take(asks),
        find,
        keep,
        metrics: async () => sumOf(await Promise.all([...crew.values()].map((each) => metricsOf(each)))),
      },
      {
        settle: grants.settle,
        drop: grants.drop,
        raise: limits.raise,
        lift: limits.lift,
        forget: (key) => {
          for (const [other, { tell }] of crew) if (other !== worker) tell('forget', key)
        },
      },
    )
  }

  let settle: () => void = () => {}
  let exitCode = 0

  function end(code: number | null) {
    isEnding = true
    exitCode = code ?? 1
    for (const worker of crew.keys()) worker.process.kill('SIGTERM')
    settle()
  }

  for (let count = 0; count < workers; count++) start()
  void told.then(() => end(0))
  return new Promise((resolve) => {
    settle = () => {
      if (isEnding && crew.size === 0) resolve(exitCode)
    }
  })
}

/** One that is just starting, or stuck, does not keep the others' counters from being read. */
function metricsOf({ ask }: Speaker): Promise<string> {
  return ask('metrics', null).catch(() => '')
}
