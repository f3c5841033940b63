/** The ways in which requests come: so many in flight, so many a second whatever happens, and so many streams at once. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Connection, connectionTo } from './connection.ts'
import { exchange } from './exchange.ts'
import { type Heard, tally } from './tally.ts'

export type Load =
  /** Closed loop: each connection sends its next request when it has its answer, and has paused; at most so many. */
  | { kind: 'closed'; inFlight: number; seconds: number; pause?: number; most?: number }
  /** Open loop: requests come at their rate, and do not wait for answers. */
  | { kind: 'open'; perSecond: number; seconds: number }
  /** So many streams, each heard to its end; they begin spread over so many milliseconds. */
  | { kind: 'streams'; count: number; spread: number }

/** How long answers that are still out may take once nothing more is sent. */
const PATIENCE = 5_000
const LATE = Symbol('late')

export async function underLoad(port: number, request: Buffer, load: Load): Promise<Heard> {
  const notes = tally()
  const connections: Connection[] = []
  const caller: Caller = {
    open() {
      const connection = connectionTo(port)
      connections.push(connection)
      return connection
    },
    ask: (connection) => exchange(connection, request, notes),
  }
  const end = sleep(lengthOf(load) + PATIENCE, LATE, { ref: false })
  const last = await Promise.race([play(caller, load), end])
  for (const connection of connections) connection.close()
  return notes.heard(last === LATE)
}

interface Caller {
  open(): Connection
  /** Resolves when it has its answer, however that ended. */
  ask(connection: Connection): Promise<void>
}

function play(caller: Caller, load: Load): Promise<unknown> {
  switch (load.kind) {
    case 'closed':
      return inClosedLoop(caller, load)
    case 'open':
      return inOpenLoop(caller, load)
    case 'streams':
      return besideEachOther(caller, load)
  }
}

type Kind<Name> = Extract<Load, { kind: Name }>

function inClosedLoop(caller: Caller, load: Kind<'closed'>): Promise<unknown> {
  const { inFlight, seconds, pause = 0, most = Number.POSITIVE_INFINITY } = load
  const until = performance.now() + seconds * 1_000
  let sent = 0
  const callers = Array.from({ length: inFlight }, async () => {
    const connection = caller.open()
    while (performance.now() < until && sent++ < most) {
      await caller.ask(connection)
      if (pause > 0) await sleep(pause)
    }
  })
  return Promise.all(callers)
}

async function inOpenLoop(caller: Caller, { perSecond, seconds }: Kind<'open'>): Promise<unknown> {
  const idle: Connection[] = []
  const answers: Promise<void>[] = []
  const began = performance.now()
  for (let sent = 0; sent < perSecond * seconds; ) {
    const due = Math.min(perSecond * seconds, ((performance.now() - began) / 1_000) * perSecond)
    for (; sent < due; sent++) {
      const connection = idle.pop() ?? caller.open()
      answers.push(caller.ask(connection).then(() => void idle.push(connection)))
    }
    await sleep(1)
  }
  return Promise.all(answers)
}

function besideEachOther(caller: Caller, { count, spread }: Kind<'streams'>): Promise<unknown> {
  const callers = Array.from({ length: count }, async (_, at) => {
    await sleep((at * spread) / count)
    await caller.ask(caller.open())
  })
  return Promise.all(callers)
}

function lengthOf(load: Load): number {
  return load.kind === 'streams' ? load.spread : load.seconds * 1_000
}
