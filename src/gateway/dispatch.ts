/**
 * Sends a call to an upstream that answers it: see routing/seek.ts for how one is found. The reply is there when the first
 * content is, so that a failure before it can still become an HTTP status; but the client is not left in silence for it:
 * after a while the answer begins without, and what is still looked for comes when it is found, or as its last event.
 */
import { Halt } from '../protocol/halt.ts'
import type { Call } from '../protocol/messages.ts'
import type { Events } from '../protocol/streams.ts'
import type { Reply, Route } from '../providers/provider.ts'
import type { Runtime } from '../runtime.ts'
import { withSignal } from './outlive.ts'
import type { Over } from './routing/attempt.ts'
import type { Choice } from './routing/choice.ts'
import { gone } from './routing/hold.ts'
import { questFor, type Terms, type Witness } from './routing/quest.ts'
import { type Found, seek } from './routing/seek.ts'

export { lent } from './lend.ts'
export type { Witness } from './routing/quest.ts'

/** A reply, and where it comes from. */
export interface Taken extends Reply {
  /** While it is still looked for, where it is tried first. */
  readonly route: Route
  /** The name of the model that answers. */
  readonly model: string
  /** To be told how the answer ended. */
  over: Over
}

/**
 * The first reply that an upstream gives.
 * @throws GatewayError where none does, in the words that help the client most.
 */
export async function dispatch(
  runtime: Runtime,
  choice: Choice,
  call: Call,
  witness: Witness,
  terms: Terms = {},
): Promise<Taken> {
  if (call.signal.aborted) throw gone() // no upstream is troubled
  const { signal, model } = call // what was asked is not kept for as long as the answer lasts
  const over = new Halt().after(signal)
  const seeking = seek(questFor(runtime, choice, withSignal(call, over), { witness, terms, signal: over }))
  const found = await inTime(seeking, runtime.config.limits.pingAfter)
  if (found) {
    const { reply, route } = found
    return { events: reply.events, removed: reply.removed, route, model: found.model, over: found.over }
  }
  return late(seeking, { route: choice.routes[0], model }, () => over.abort('left'))
}

/** What is found in time; undefined where it takes longer. One promise: a race makes five. */
function inTime(seeking: Promise<Found>, patience: number): Promise<Found | undefined> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, patience, undefined)
    seeking.then(
      (found) => {
        clearTimeout(timer)
        resolve(found)
      },
      (error: unknown) => {
        clearTimeout(timer)
        reject(error)
      },
    )
  })
}

/** A reply of which nothing is known yet. */
function late(seeking: Promise<Found>, first: Pick<Taken, 'route' | 'model'>, stop: () => void): Taken {
  const removed: string[] = []
  let found: Found | undefined
  let ending: Parameters<Over>[0] | undefined
  let isLeft = false
  const arriving = seeking.then((it) => {
    found = it
    removed.push(...it.reply.removed)
    if (isLeft) it.reply.events.cancel()
    if (ending) it.over(ending)
    return it.reply.events.next()
  })
  arriving.catch(() => {}) // whoever reads it hears of it; nobody may
  let pending: ReturnType<Events['next']> | undefined = arriving
  return {
    get route() {
      return found?.route ?? first.route
    },
    get model() {
      return found?.model ?? first.model
    },
    removed,
    events: {
      next() {
        const head = pending ?? found?.reply.events.next() ?? arriving
        pending = undefined
        return head
      },
      cancel() {
        isLeft = true
        if (found) found.reply.events.cancel()
        else stop()
      },
    },
    over(how) {
      ending = how
      found?.over(how)
    },
  }
}
