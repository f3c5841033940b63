/** Tries out an upstream, live: what it is let do, and what is to be mended, in order. */
import { GatewayError } from '../errors.ts'
import type { Check } from '../protocol/findings.ts'
import { providerNamed } from '../providers/index.ts'
import type { Upstream } from '../providers/provider.ts'
import type { Runtime } from '../runtime.ts'
import { newKeyring } from './routing/keyring.ts'
import { type Configured, configured, upstreamFor } from './routing/upstreams.ts'
import { surveying } from './survey.ts'

/** Undefined where there is no such upstream. */
export async function examined(runtime: Runtime, id: string): Promise<readonly Check[] | undefined> {
  // Sessions of its own: one that calls still have would hide that there will be no other.
  const alone: Runtime = Object.create(runtime) // by inheritance: that of a request has nothing of its own to copy
  alone.keyring = newKeyring(runtime.keyring.means, runtime.now)
  const found = (await configured(alone)).find((each) => each.id === id)
  if (!found) return undefined
  const place = placed(found)
  if ('verdict' in place) return [place]
  const provider = providerNamed(place.provider)
  return (await provider.examine?.(place, await surveying(alone, found))) ?? []
}

function placed(upstream: Configured): Upstream | Check {
  try {
    return upstreamFor(upstream)
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error
    return { action: 'settings', verdict: 'refused', says: error.message }
  }
}
