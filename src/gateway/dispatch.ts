/** Tries routes in order until one accepts; never after the first byte. */
import { asGatewayError, type ErrorType, GatewayError } from '../errors.ts'
import type { Call, StreamEvent } from '../protocol/messages.ts'
import { type Events, startingWith } from '../protocol/streams.ts'
import { providerNamed } from '../providers/index.ts'
import type { Lent, Reply, Route } from '../providers/provider.ts'
import type { Runtime } from '../runtime.ts'
import { sendLearning } from './learn.ts'
import type { Choice } from './routing/choice.ts'
import type { Told } from './routing/trail.ts'
import { sawAnswer, sawDetour, sawFailure } from './sightings.ts'

/** A reply, and the route that gave it. */
export interface Taken extends Reply {
  route: Route
}

/** Who keeps account of a call's way. */
export interface Witness extends Told {
  /** A request has just left. */
  sent(route: Route): void
}

/**
 * The first reply that a route gives.
 * @throws GatewayError of the last route tried, where none accepts.
 */
export async function dispatch(
  runtime: Runtime,
  choice: Choice,
  call: Call,
  witness: Witness,
): Promise<Taken> {
  const [route, next, ...rest] = choice.routes
  if (call.signal.aborted) throw new GatewayError('api_error', 'The client has gone.') // no upstream is troubled
  try {
    const reply = await sendLearning(runtime, route, call, async (omit) => {
      const { events, removed } = await providerNamed(route.upstream.provider).send(
        call,
        route,
        lent(runtime, () => witness.sent(route)),
        omit,
      )
      return { events: await begun(events, runtime.config.limits.pingAfter), removed }
    })
    sawAnswer(runtime, route)
    return { ...reply, route }
  } catch (error) {
    if (call.signal.aborted) throw error // says nothing of the upstream
    if (!mayDoBetterElsewhere(error)) {
      if (error instanceof GatewayError) sawAnswer(runtime, route)
      throw error
    }
    sawFailure(runtime, route, error)
    const { type } = asGatewayError(error)
    witness.step({
      did: 'failed',
      at: runtime.now() - call.startedAt,
      upstream: route.upstream.id,
      error: type,
      class: type,
    })
    if (!next) throw error
    const taken = await dispatch(runtime, { ...choice, routes: [next, ...rest] }, call, witness)
    sawDetour(runtime, route, taken.route)
    return taken
  }
}

/** What a provider gets to use. */
export function lent({ fetch, now, config, hashes }: Runtime, sent: () => void = () => {}): Lent {
  return { fetch, now, sent, hashes, limits: config.limits, secret: config.secretKeys[0] ?? '' }
}

/** What is wrong with the call is wrong everywhere. */
const UPSTREAMS_OWN: ReadonlySet<ErrorType> = new Set([
  'rate_limit_error',
  'permission_error',
  'api_error',
  'timeout_error',
  'overloaded_error',
])

function mayDoBetterElsewhere(error: unknown): boolean {
  return error instanceof GatewayError && UPSTREAMS_OWN.has(error.type)
}

/**
 * Waits for a stream's first content, so that a failure before it can still be mended or become an HTTP status; but
 * not for longer than the client may be left in silence.
 */
async function begun(events: Events, patience: number): Promise<Events> {
  const first = upToContent(events)
  first.catch(() => {}) // whoever reads the stream hears of it; nobody may
  let timer: ReturnType<typeof setTimeout> | undefined
  const silence = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, patience)
  })
  try {
    await Promise.race([first, silence])
    return startingWith(first, events)
  } catch (error) {
    events.cancel()
    throw error
  } finally {
    clearTimeout(timer)
  }
}

async function upToContent(events: Events): Promise<StreamEvent[] | undefined> {
  const held: StreamEvent[] = []
  for (;;) {
    const batch = await events.next()
    if (!batch && held.length === 0)
      throw new GatewayError('api_error', 'The upstream answered with nothing.')
    if (!batch) return held
    held.push(...batch)
    if (batch.some(({ type }) => type !== 'message_start' && type !== 'ping')) return held
  }
}
