/** What a provider gets to use of a runtime. */
import type { Lent } from '../providers/provider.ts'
import type { Runtime } from '../runtime.ts'

/** @param sent told when a request has just left */
export function lent({ fetch, now, config, hashes, room }: Runtime, sent: () => void = () => {}): Lent {
  return { fetch, now, sent, hashes, room, limits: config.limits, secret: config.secretKeys[0] ?? '' }
}
