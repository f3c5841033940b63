/**
 * Sessions are kept to the upstream that has their prompt cache. A subagent has a prefix of its own, so it may be
 * elsewhere than its session where that has no room; the main thread stays. Only a call that was served binds.
 */

import type { Route } from '../../providers/provider.ts'
import type { Runtime } from '../../runtime.ts'
import type { Principal } from '../authenticate.ts'
import type { Ending } from '../meter.ts'
import type { Binding, Choice } from './choice.ts'

/** What may stay together: without a session's name, all that its user does. */
export interface Thread {
  /** Of a subagent its own; else that of the session. */
  own: string
  /** Of a subagent, that of the main thread. */
  session: string | undefined
}

interface Who {
  session: string | undefined
  agent: string | undefined
}

/** Names are of whoever sends it: nobody moves the sessions of others. Each model has its own cache. */
export function threadOf(
  { userId, keyId }: Pick<Principal, 'userId' | 'keyId'>,
  { session, agent }: Who,
  model: string,
): Thread {
  const owner = userId ?? keyId
  const name = (of: string | null) => JSON.stringify([owner, session ?? null, of, model])
  if (agent === undefined) return { own: name(null), session: undefined }
  return { own: name(agent), session: name(null) }
}

/** As long as a prompt cache may live. */
const LASTS = 3_600_000

/** Binds a thread to what served it, once that is certain: not where an answer failed, nor where its client has gone. */
export function served(
  runtime: Runtime,
  { binding, routes }: Choice,
  reply: { readonly route: Route },
  ending: Promise<Pick<Ending, 'status'>>,
) {
  if (!binding) return
  void ending.then(({ status }) => {
    // Where another model stood in, its cache is not this one's.
    const isIts = routes.some(
      ({ upstream: { id }, modelId }) => id === reply.route.upstream.id && modelId === reply.route.modelId,
    )
    if (status === 'succeeded' && isIts) bound(runtime, binding, reply.route.upstream.id)
  })
}

/** A call was served there. It is told beside the request, and nothing comes of it where that fails. */
export function bound({ bindings, waitUntil }: Runtime, binding: Binding, upstreamId: string) {
  const told = bindings.keep(binding.name, { from: binding.upstream, to: upstreamId, lasts: LASTS })
  if (told) waitUntil(told)
}
