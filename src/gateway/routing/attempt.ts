/** One upstream tried once, up to its first content; and what is learned of the upstream by it. */
import { GatewayError } from '../../errors.ts'
import type { Omissions } from '../../protocol/fields/target.ts'
import { Halt } from '../../protocol/halt.ts'
import { NO_USAGE, type StreamEvent, type Usage } from '../../protocol/messages.ts'
import { type Events, startingWith } from '../../protocol/streams.ts'
import { roughTokens } from '../../protocol/tokens.ts'
import { providerNamed } from '../../providers/index.ts'
import type { Reply, Route } from '../../providers/provider.ts'
import type { Runtime } from '../../runtime.ts'
import { sendLearning } from '../learn.ts'
import { lent } from '../lend.ts'
import type { Ending } from '../meter.ts'
import { withSignal } from '../outlive.ts'
import { sawAnswer, sawFailure } from '../sightings.ts'
import { tallier } from '../tally.ts'
import { type Failure, failureOf, isThrottle } from './failures.ts'
import type { Reserved } from './headroom.ts'
import { type Place, type Quest, since } from './quest.ts'
import type { Thread } from './warmth.ts'

export interface Attempt {
  readonly place: Place
  readonly sentAt: number
  /** Never rejects. */
  readonly ended: Promise<Ended>
  /** Nobody wants to know any more. */
  giveUp(why: 'slow' | 'gone'): void
}

export type Ended = (Answered | { error: unknown }) & { attempt: Attempt }

export interface Answered {
  reply: Reply
  over: Over
}

/** To be told how the answer ended. What it holds on to lives as long as the answer: nothing of what was asked. */
export type Over = (ending: Pick<Ending, 'status' | 'usage' | 'source' | 'error'>) => void

/** Sends it. `reserved` is settled by what comes of it. */
export function begin(quest: Quest, place: Place, reserved: Reserved): Attempt {
  const { runtime, witness } = quest
  const { route } = place
  // Where it is the only one that is tried, it ends with the call.
  const own = quest.isAlone ? undefined : new Halt().after(quest.signal)
  const stay = enter(runtime, route, reserved)
  const heard: StreamEvent[] = []
  let [hasLeft, isLetGo] = [false, false]
  place.tries++
  quest.wait = undefined

  async function run(): Promise<Reply> {
    const call = own ? withSignal(quest.call, own) : quest.call
    const send = async (omit: Omissions) => {
      // What a try before this one said is paid for, and not passed on.
      const before = usageIn(heard)
      if (before) witness.lost?.(route, before)
      heard.length = 0
      const provider = providerNamed(route.upstream.provider)
      const sending = lent(runtime, () => {
        if (isLetGo) return // another one answers: this is not where the call ran
        hasLeft = true
        witness.sent(route)
      })
      const { events, removed } = await provider.send(call, route, sending, omit)
      return { events: await begun(events, heard), removed }
    }
    const retried = (without: readonly string[]) =>
      witness.step({ did: 'retried', at: since(quest), upstream: route.upstream.id, without })
    return sendLearning(runtime, route, call, send, retried)
  }

  function refused(error: unknown) {
    const failure = failureOf(error)
    if (failure && isThrottle(failure))
      reserved.throttled(failure.wait, failure.class === 'throttled' ? 'minute' : 'day')
    own?.leave()
    const usage = usageIn(heard)
    // Of who hung up, what went in is on the row already.
    if (stay.ends(usage) && usage && !quest.signal.aborted) witness.lost?.(route, usage)
  }

  const attempt: Attempt = {
    place,
    sentAt: runtime.now(),
    ended: run().then(
      (reply) => {
        answered(runtime, route)
        const { session, agent } = quest.call
        const thread = quest.isAlone ? undefined : { session, agent }
        return { attempt, reply, over: overFor(runtime, { route, thread, stay, own }) }
      },
      (error: unknown) => {
        refused(error)
        return { attempt, error }
      },
    ),
    giveUp(why) {
      isLetGo = true
      const usage = usageIn(heard) ?? (why === 'slow' && hasLeft ? expectedOf(quest, route) : undefined)
      if (!stay.ends(usage)) return
      own?.abort(LET_GO)
      if (why === 'gone') return runtime.steering.breakers.left(route.upstream.id, route.modelId)
      failed(quest, route, { class: 'slow', error: tooSlow(), wait: undefined })
      if (usage) witness.lost?.(route, usage)
    },
  }
  return attempt
}

interface Stay {
  /** It is there no more, with what it came to. True once. */
  ends(usage: Usage | undefined): boolean
}

/** A call is under way there. */
function enter({ steering: { underWay } }: Runtime, { upstream: { id } }: Route, reserved: Reserved): Stay {
  underWay.set(id, (underWay.get(id) ?? 0) + 1)
  let isOver = false
  return {
    ends(usage) {
      if (isOver) return false
      isOver = true
      const left = (underWay.get(id) ?? 1) - 1
      if (left > 0) underWay.set(id, left)
      else underWay.delete(id)
      reserved.settle(usage)
      return true
    },
  }
}

interface Served {
  route: Route
  /** Whose cache it is; undefined where there is nowhere else to go. */
  thread: Thread | undefined
  stay: Stay
  /** What else would go on listening for the client to leave. */
  own: Halt | undefined
}

function overFor(runtime: Runtime, { route, thread, stay, own }: Served): Over {
  const { breakers, warmths } = runtime.steering
  return ({ status, usage, source, error }) => {
    own?.leave()
    if (!stay.ends(source === 'estimated' ? undefined : usage)) return
    if (thread) warmths.keep(thread, route, usage, runtime.now())
    const failure = status === 'failed_midstream' ? failureOf(error) : undefined
    if (failure) breakers.failed(route.upstream.id, route.modelId, runtime.now(), failure.class, failure.wait)
  }
}

const LET_GO = 'let go'

function answered(runtime: Runtime, route: Route) {
  runtime.steering.breakers.succeeded(route.upstream.id, route.modelId, runtime.now())
  sawAnswer(runtime, route)
}

/** Says so to whoever keeps account of upstreams, and to the trail. */
export function failed(quest: Quest, route: Route, { class: said, error, wait }: Failure) {
  const { runtime, witness } = quest
  const { id } = route.upstream
  runtime.steering.breakers.failed(id, route.modelId, runtime.now(), said, wait)
  // Whoever asks for a model that is not there does not make the upstream look down.
  if (error.type === 'not_found_error') sawAnswer(runtime, route)
  else sawFailure(runtime, route, error)
  witness.step({ did: 'failed', at: since(quest), upstream: id, error: error.type, class: said })
}

/**
 * What a failed attempt says of the upstream; undefined where it is the call's own fault, or nobody waits any more.
 */
export function judged(quest: Quest, route: Route, error: unknown): Failure | undefined {
  const { breakers } = quest.runtime.steering
  const { id } = route.upstream
  if (quest.signal.aborted) {
    breakers.left(id, route.modelId)
    return undefined
  }
  const failure = failureOf(error)
  if (failure) failed(quest, route, failure)
  else if (error instanceof GatewayError) answered(quest.runtime, route)
  else breakers.left(id, route.modelId)
  return failure
}

/** Waits for a stream's first content, so that a failure before it can still be mended or become an HTTP status. */
async function begun(events: Events, heard: StreamEvent[]): Promise<Events> {
  try {
    const first = await upToContent(events, heard)
    return startingWith(Promise.resolve(first), events)
  } catch (error) {
    events.cancel()
    throw error
  }
}

async function upToContent(events: Events, heard: StreamEvent[]): Promise<StreamEvent[]> {
  for (;;) {
    const batch = await events.next()
    // Most often the first that is heard has something to say.
    if (batch && heard.length === 0 && hasContent(batch)) return batch
    if (!batch && heard.length === 0)
      throw new GatewayError('api_error', 'The upstream answered with nothing.')
    // It ended before its answer did: whoever reads on finds that out, unless another upstream may do better.
    if (!batch) throw new GatewayError('api_error', 'The upstream ended its answer before it was complete.')
    heard.push(...batch)
    if (hasContent(batch)) return heard.splice(0)
  }
}

function hasContent(batch: readonly StreamEvent[]): boolean {
  for (const { type } of batch) if (type !== 'message_start' && type !== 'ping') return true
  return false
}

/** What it has said so far of what it will bill. */
function usageIn(heard: readonly StreamEvent[]): Usage | undefined {
  if (heard.length === 0) return undefined
  const seen = tallier()
  seen.see(heard)
  const { source, usage } = seen.tally()
  return source === 'estimated' ? undefined : usage
}

/** Of what an upstream may bill that never said anything: what is cached there is read, the rest is written. */
function expectedOf({ runtime, call }: Quest, route: Route): Usage {
  const input = roughTokens(call.outline)
  const warm = runtime.steering.warmths.at(call, route, runtime.now())
  const cacheRead = Math.min(input, warm?.tokens ?? 0)
  return { ...NO_USAGE, cacheRead, input: input - cacheRead }
}

function tooSlow(): GatewayError {
  return new GatewayError('timeout_error', 'The upstream did not begin to answer in time.')
}
