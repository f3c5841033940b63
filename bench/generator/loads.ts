/** The ways in which requests come: so many in flight, so many a second whatever happens, and so many streams at once. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Connection, connectionTo } from './connection.ts'
import { exchange } from './exchange.ts'
import { type Tally, tally } from './tally.ts'

export type Load =
  /** Closed loop: each connection sends its next request when it has its answer, and has paused; at most so many. */
  | { kind: 'closed'; inFlight: number; seconds: number; pause?: number; most?: number }
  /** Open loop: requests come at their rate, and do not wait for answers. */
  | { kind: 'open'; perSecond: number; seconds: number }
  /** So many streams, each heard to its end; they begin spread over so many milliseconds. */
  | { kind: 'streams'; count: number; spread: number }

/** How long answers that are still out may take once nothing more is sent. */
const PATIENCE = 10_000

export async function underLoad(port: number, request: Buffer, load: Load) {
  const notes = tally()
  const connections: Connection[] = []
  const open = () => {
    const connection = connectionTo(port)
    connections.push(connection)
    return connection
  }
  const end = sleep(lengthOf(load) + PATIENCE, 'late' as const, { ref: false })
  const late = await Promise.race([LOADS[load.kind](open, request, notes, load as never), end])
  for (const connection of connections) connection.close()
  return { ...notes.heard(), late: late === 'late' }
}

type Run<Kind> = (
  open: () => Connection,
  request: Buffer,
  notes: Tally,
  load: Extract<Load, { kind: Kind }>,
) => Promise<unknown>

const LOADS: { [Kind in Load['kind']]: Run<Kind> } = {
  closed(open, request, notes, { inFlight, seconds, pause = 0, most = Number.POSITIVE_INFINITY }) {
    const until = performance.now() + seconds * 1_000
    let sent = 0
    const callers = Array.from({ length: inFlight }, async () => {
      const connection = open()
      while (performance.now() < until && sent++ < most) {
        await exchange(connection, request, notes)
        if (pause > 0) await sleep(pause)
      }
    })
    return Promise.all(callers)
  },

  async open(open, request, notes, { perSecond, seconds }) {
    const idle: Connection[] = []
    const answers: Promise<void>[] = []
    const began = performance.now()
    for (let sent = 0; sent < perSecond * seconds; ) {
      const due = Math.min(perSecond * seconds, ((performance.now() - began) / 1_000) * perSecond)
      for (; sent < due; sent++) {
        const connection = idle.pop() ?? open()
        answers.push(exchange(connection, request, notes).then(() => void idle.push(connection)))
      }
      await sleep(1)
    }
    return Promise.all(answers)
  },

  streams(open, request, notes, { count, spread }) {
    const callers = Array.from({ length: count }, async (_, at) => {
      await sleep((at * spread) / count)
      await exchange(open(), request, notes)
    })
    return Promise.all(callers)
  },
}

function lengthOf(load: Load): number {
  return load.kind === 'streams' ? load.spread : load.seconds * 1_000
}
