/** POST /v1/messages: the path of a request, one room a line. */
import { type Context, Hono } from 'hono'
import { openEntry } from '../gateway/account.ts'
import { admit } from '../gateway/admit.ts'
import { authenticate, type Principal } from '../gateway/authenticate.ts'
import { attached, dispatchWithTools } from '../gateway/complement.ts'
import type { Grant } from '../gateway/grant.ts'
import { limit } from '../gateway/limit.ts'
import { meter } from '../gateway/meter.ts'
import { bounded, whyEnded } from '../gateway/outlive.ts'
import { read, requireMaxTokens, type Said } from '../gateway/read.ts'
import { route } from '../gateway/route.ts'
import { served } from '../gateway/routing/bindings.ts'
import { standingOf } from '../gateway/routing/fallbackmodels.ts'
import { messagesVoice, type Voice } from '../gateway/voice.ts'
import type { Call } from '../protocol/messages.ts'
import type { Env } from './env.ts'

export const messages = new Hono<Env>().post('/', (c) => answer(c, {}, messagesVoice))

/** By any door: what the URL says instead of the body, and how the client is spoken to. */
export async function answer(
  c: Context<Env>,
  said: Said,
  voiceFor: (call: Call) => Voice,
): Promise<Response> {
  const principal = await authenticate(c.env, c.req.raw.headers)
  const leave = admit(c.env)
  try {
    return await admitted(c, { said, voiceFor, principal, leave })
  } catch (error) {
    leave()
    throw error
  }
}

interface Admitted {
  said: Said
  voiceFor: (call: Call) => Voice
  principal: Principal
  /** To be called when the answer is over. */
  leave(): void
}

async function admitted(c: Context<Env>, { said, voiceFor, principal, leave }: Admitted): Promise<Response> {
  const runtime = c.env
  const { limits } = runtime.config
  const lent = { limits, view: runtime.view, whole: runtime.whole, gone: runtime.gone }
  const arrival = { id: c.get('requestId'), startedAt: c.get('startedAt') }
  const asked = await read(c.req.raw, arrival, lent, said)
  requireMaxTokens(asked)
  const grant = await limit(runtime, principal, asked, await route(runtime, principal, asked))
  const { choice, prices } = grant
  const { call, begun } = bounded(asked, runtime.stopping)
  const entry = openEntry(runtime, principal, call, { grant, prices })
  const { terms, headers: standing } = standingOf(runtime, principal, asked, grant, entry)
  const reply = await attached(runtime, choice.routes, answeredBy(call, grant))
    .then((whole) => dispatchWithTools(runtime, principal, { choice, terms }, whole, entry))
    .catch((error: unknown) => entry.refused(whyEnded(call, error)))
    .finally(begun)
  const { body, contentType, ending } = meter(reply, call, voiceFor(call), {
    now: runtime.now,
    stopping: runtime.stopping,
    limits,
    // A page's answer is made anew on its way out, as only the standard's streams can be.
    stream: c.req.raw.headers.has('origin') ? undefined : runtime.stream,
  })
  runtime.waitUntil(entry.settle(ending, reply.removed))
  void ending.then(leave)
  void ending.then(reply.over)
  served(runtime, choice, reply, ending)
  // A plain object, and no Headers: on Node those of an answer cost as much as signing its request.
  const headers = {
    'request-id': call.id,
    'x-content-type-options': 'nosniff',
    'content-type': contentType,
    'cache-control': 'no-cache',
    'x-accel-buffering': 'no',
    ...standing(),
    ...leftOut(reply.removed),
  }
  return new Response(await body, { headers })
}

/** Whoever answers says its own name. */
function answeredBy(call: Call, { model }: Grant): Call {
  return model === undefined ? call : { ...call, model }
}

/** Header values hold no more than this of names that a client chose. */
const LONGEST = 2_000

/** Names what this upstream does not take. */
function leftOut(removed: readonly string[]): Record<string, string> {
  const names = removed.join(', ').replaceAll(/[^\x20-\x7e]/g, '?')
  return names === '' ? {} : { 'x-outcrop-removed': names.slice(0, LONGEST) }
}
