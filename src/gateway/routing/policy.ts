/** How the calls of a principal find their upstream: what its team says, over what the organisation says. */
import type { RoutingPolicy, Strategy } from '../../data/tables/upstreams.ts'
import type { Runtime } from '../../runtime.ts'
import type { Principal } from '../authenticate.ts'

/** A policy with nothing left open. */
export interface Policy {
  strategy: Strategy
  /** Milliseconds. */
  patience: number
  stepDown: Readonly<Record<string, readonly string[]>>
  /** All of them hold: what the organisation says bounds what a team may say. */
  bounds: readonly Bounds[]
  /** Nobody has said which providers: calls stay with that of the first upstream, unless they name another. */
  staysHome: boolean
}

/** Null is no bound. */
export interface Bounds {
  whose: 'organisation' | 'team'
  upstreams: readonly string[] | null
  providers: readonly string[] | null
  geographies: readonly string[] | null
}

export const DEFAULTS = { strategy: 'sticky', patience: 60_000 } as const

/** The answer must still have time to begin before it is given up as silent. Milliseconds. */
export const MOST_PATIENCE = 90_000

/** The setting that holds the organisation's, and what the cache knows it by. */
export const ROUTING = 'routing'

const TRUST = 60_000

/** What holds for a principal; the organisation's from the cache. */
export async function policyOf(runtime: Runtime, { routing }: Pick<Principal, 'routing'>): Promise<Policy> {
  return policyFrom(await organisationsRouting(runtime), routing)
}

function organisationsRouting({ cache, data, config }: Runtime): Promise<RoutingPolicy> {
  return cache.remember(ROUTING, async () => ({
    value: routingIn(await data.settings.get(ROUTING)),
    ttl: TRUST,
    grace: config.outageGrace,
  }))
}

/** The organisation's; undefined where it has to be asked for. */
export function policyAtHand({ cache }: Pick<Runtime, 'cache'>): RoutingPolicy | undefined {
  return cache.known(ROUTING)
}

/** The organisation's, as it is stored. */
export function routingIn(stored: unknown): RoutingPolicy {
  return (stored ?? {}) as RoutingPolicy
}

export function policyFrom(organisation: RoutingPolicy, team: RoutingPolicy | null): Policy {
  const { strategy, patience, stepDown } = { ...organisation, ...team }
  return {
    strategy: strategy ?? DEFAULTS.strategy,
    patience: patience ?? DEFAULTS.patience,
    stepDown: stepDown ?? {},
    bounds: [boundsOf('organisation', organisation), ...(team ? [boundsOf('team', team)] : [])].filter(
      ({ upstreams, providers, geographies }) => upstreams || providers || geographies,
    ),
    staysHome: organisation.providers === undefined && team?.providers === undefined,
  }
}

/** The lists of places that a call must stay within, each of them. */
export function geographiesIn({ bounds }: Policy): (readonly string[])[] {
  return bounds.flatMap(({ geographies }) => (geographies ? [geographies] : []))
}

function boundsOf(
  whose: Bounds['whose'],
  { upstreams = null, providers = null, geographies = null }: RoutingPolicy,
): Bounds {
  return { whose, upstreams, providers, geographies }
}
