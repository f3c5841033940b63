/** Where a call may go, best first, and what was looked at to say so. */
import type { Strategy } from '../../data/tables/upstreams.ts'
import type { Route } from '../../providers/provider.ts'

export type Routes = readonly [Route, ...Route[]]

/** Why an upstream may not take a call; the first that applies. */
export type Reason =
  | 'disabled'
  | 'misconfigured'
  /** The call names another one, or it takes only calls that name it. */
  | 'not_asked'
  | 'no_model'
  /** By the models of the key and its team, or by the upstreams of its policy. */
  | 'not_allowed'
  | 'provider'
  | 'geography'
  | 'unhealthy'
  | 'breaker_open'
  | 'no_headroom'

export interface LeftOut {
  upstream: string
  reason: Reason
  /** What makes the word plain: the region, how long the breaker stays open, the figure. */
  detail?: string | undefined
}

/** What `route` gives: dispatch goes by it, and the trail tells it. */
export interface Choice {
  routes: Routes
  /** `only`: there was nothing to choose. */
  strategy: Strategy | 'only'
  leftOut: readonly LeftOut[]
  /** What speaks against some of the routes: they are there for want of better ones. */
  despite?: readonly LeftOut[]
  /** The geographies that policies name, a list of each: a call stays within all of them. */
  within?: readonly (readonly string[])[]
  /** By what name the session is kept to an upstream; undefined where nothing keeps it. */
  binding: Binding | undefined
}

export interface Binding {
  name: string
  /** Where it is kept to; undefined where that is decided by this call. */
  upstream: string | undefined
}

/** Where there is but one upstream. */
export function onlyChoice(route: Route): Choice {
  return { routes: [route], strategy: 'only', leftOut: [], binding: undefined }
}
