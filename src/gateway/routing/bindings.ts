/**
 * Sessions are kept to the upstream that has their prompt cache. A subagent has a prefix of its own, so it may be
 * elsewhere than its session where that has no room; the main thread stays. Only a call that was served binds.
 */
import type { Runtime } from '../../runtime.ts'
import type { Principal } from '../authenticate.ts'
import type { Binding } from './choice.ts'

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

/**
 * A call was served there: call it once for each, when that is certain. It is told beside the request, and never rejects.
 */
export function bound({ bindings, waitUntil }: Runtime, binding: Binding | undefined, upstreamId: string) {
  if (!binding) return
  const told = bindings.keep(binding.name, { from: binding.upstream, to: upstreamId, lasts: LASTS })
  if (told) waitUntil(told)
}
