/**
 * What hides behind an ARN: asked of the provider once, then remembered. It decides which fields a call may have, whether
 * a key may use it and what it costs; where it cannot be had, the model stays unknown and its price with it.
 */
import type { ChargedRow } from '../data/repricing.ts'
import { modelBehind, splitProfile } from '../protocol/models.ts'
import { providerNamed } from '../providers/index.ts'
import type { Resolved, Route, Upstream } from '../providers/provider.ts'
import type { Runtime } from '../runtime.ts'
import { lent } from './dispatch.ts'

const HOLDS = 24 * 3_600_000
const GRACE = 7 * HOLDS
/** How soon to ask again where nothing was learned. */
const PAUSE = 60_000
/** Names are made up easily: so many a minute and process are looked up. */
const MOST_LOOKUPS = 60

/** The route, knowing its model if that can be known. */
export async function resolved(runtime: Runtime, route: Route): Promise<Route> {
  if (route.model || !route.modelId.startsWith('arn:')) return route
  const known = await behind(runtime, route.modelId, route.upstream)
  return known ? { ...route, ...known } : route
}

/** What a row of the ledger ran. */
export async function modelOfRow(
  runtime: Runtime,
  { provider, modelId, region, regionClass }: ChargedRow,
  upstream: Upstream | undefined,
): Promise<Resolved> {
  const model = modelBehind(modelId)
  if (!model && upstream?.region === region && modelId.startsWith('arn:')) {
    const known = await behind(runtime, modelId, upstream)
    if (known) return { ...known, regionClass: regionClass ?? known.regionClass }
  }
  return { model, regionClass: regionClass ?? classOf(provider, modelId, region) }
}

/** For rows that do not say it. Anthropic's own names run anywhere, but for those that Google keeps in a region. */
function classOf(provider: string, modelId: string, region: string): string {
  const profile = splitProfile(modelId.replace(/^arn:.*:inference-profile\//, ''))
  if (profile || modelId.startsWith('arn:')) return profile?.prefix ?? 'region'
  return provider === 'vertex' && region !== 'global' ? 'region' : 'global'
}

async function behind(runtime: Runtime, modelId: string, upstream: Upstream): Promise<Resolved | undefined> {
  const { cache } = runtime
  const key = `profile:${upstream.id}:${modelId}`
  try {
    return await cache.remember(key, async () => ({
      value: await ask(runtime, modelId, upstream),
      ttl: HOLDS,
      grace: GRACE,
    }))
  } catch (error) {
    const why = error instanceof Error ? error.message : 'unknown'
    runtime.log('warn', 'an inference profile could not be resolved: what it costs is unknown', {
      profile: modelId,
      error: why.slice(0, 100),
    })
    return cache.remember(key, async () => ({ value: undefined, ttl: PAUSE }))
  }
}

async function ask(runtime: Runtime, modelId: string, upstream: Upstream): Promise<Resolved | undefined> {
  const minute = await runtime.cache.remember('profile lookups', async () => ({
    value: { left: MOST_LOOKUPS },
    ttl: 60_000,
  }))
  if (minute.left-- <= 0) throw new Error('too many profiles in a minute')
  return providerNamed(upstream.provider).resolve?.(modelId, upstream, lent(runtime))
}
