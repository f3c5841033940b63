/**
 * Which upstreams may take a call, and of every other one why not. It asks nobody: what it goes by is handed to it, so
 * that each path which sends something, lists models or explains itself comes to the same answer.
 */
import { GatewayError } from '../../errors.ts'
import { listedName } from '../../protocol/models.ts'
import { providerNamed } from '../../providers/index.ts'
import type { Place, Route } from '../../providers/provider.ts'
import type { Principal } from '../authenticate.ts'
import { allows, type ModelRule } from '../models.ts'
import type { LeftOut, Reason } from './choice.ts'
import { isWithin, reachInWords, reachOf } from './geography.ts'
import type { Bounds, Policy } from './policy.ts'
import { type Configured, upstreamFor } from './upstreams.ts'

/** What is asked for, by whom. */
export interface Question {
  /** The model's name, without that of an upstream. */
  name: string
  /** The upstream, or the kind of upstream, that the call names: nothing else will do. */
  at: string | undefined
  policy: Policy
  models: readonly ModelRule[]
  principal: Pick<Principal, 'keyId' | 'userId' | 'teamId'> | undefined
  /** A route of a name that does not say its model, as far as that was looked up. */
  known?(route: Route): Route
}

/** What is known of upstreams just now. */
export interface Looks {
  health(configured: Configured): { healthy: boolean; reason?: string | undefined }
  breaker(upstreamId: string, modelId: string): { open: false } | { open: true; until: number }
  headroom(route: Route): { room: number; wait: number }
  now: number
}

/** An upstream that a call may be sent to. */
export interface Fit {
  configured: Configured
  route: Route
  /** The share of its bucket that is left then. */
  room: number
}

/** One that nothing forbids: it is only no good just now. */
export interface Short extends Fit {
  reason: 'unhealthy' | 'breaker_open' | 'no_headroom'
  detail: string | undefined
  /** When it may be better, in milliseconds since 1970; undefined where nobody knows. */
  until: number | undefined
}

export interface Judged {
  fit: readonly Fit[]
  short: readonly Short[]
  /** What is forbidden, or cannot be: no call goes there, whatever becomes of the others. */
  out: readonly Out[]
}

export interface Out extends LeftOut {
  reason: Exclude<Reason, Short['reason']>
  configured: Configured
  /** Of one that is misconfigured. */
  cause?: GatewayError
}

/** Where nothing is looked at, nothing is in the way. */
export const UNTROUBLED: Looks = {
  health: () => ({ healthy: true }),
  breaker: () => ({ open: false }),
  headroom: () => ({ room: 1, wait: 0 }),
  now: 0,
}

/** Judges every upstream there is. The one function that says so: nothing is sent anywhere that it has not let pass. */
export function eligible(all: readonly Configured[], question: Question, looks: Looks): Judged {
  const fit: Fit[] = []
  const short: Short[] = []
  const out: Out[] = []
  const home = homeOf(all, question)
  for (const configured of all) {
    const found = permitted(configured, question, home)
    if ('reason' in found) {
      out.push(found)
      continue
    }
    const judged = standing(configured, found, looks)
    if ('reason' in judged) short.push(judged)
    else fit.push(judged)
  }
  return { fit, short, out }
}

/** What the call asks for there, whether or not it may be had: for what is to be looked up of it before it is judged. */
export function foundAt(configured: Configured, question: Question): Route | undefined {
  const found = whatIsThere(configured, question)
  return 'reason' in found ? undefined : found
}

/** Whom plain names stay with, where no policy says so. That it is switched off sends nobody elsewhere. */
function homeOf(all: readonly Configured[], { policy, at }: Question): string | undefined {
  if (!policy.staysHome || at !== undefined || all.length < 2) return undefined
  for (const each of all) {
    const provider = placed(each)
    // What the environment might have described, and has not, is nobody's home.
    if (provider !== undefined || isSetUp(each)) return provider ?? each.kind
  }
  return undefined
}

function isSetUp({ id }: Configured): boolean {
  return id.startsWith('upstream_')
}

/** Undefined where that is not to be told: it lacks what it needs. */
function placed({ place }: Configured): string | undefined {
  try {
    return providerOf(place())
  } catch {
    return undefined
  }
}

/** Who runs what is sent there, as policies have it: Anthropic's platform on AWS is not Bedrock. */
function providerOf({ provider, wire }: Place): string {
  return wire === 'claude-platform' ? wire : provider
}

function permitted(configured: Configured, question: Question, home: string | undefined): Route | Out {
  const found = whatIsThere(configured, question)
  if ('reason' in found) return found
  const provider = providerOf(found.upstream)
  const no = (reason: Out['reason'], detail: string): Out => out(configured, reason, detail)
  if (home !== undefined && provider !== home)
    return no(
      'not_asked',
      `it takes calls that ask for '${configured.kind}/…', until a policy names providers`,
    )
  const { name, policy, models } = question
  for (const { whose, upstreams, providers } of policy.bounds) {
    if (upstreams && !upstreams.includes(configured.id))
      return no('not_allowed', `it is not among the upstreams of the ${whose}`)
    if (providers && !providers.includes(provider))
      return no('provider', `the ${whose}'s providers are ${listed(providers)}`)
  }
  if (!allows(models, namesOf(found, name), found.model !== undefined))
    return no('not_allowed', MODEL_NOT_ALLOWED)
  return beyond(policy.bounds, configured, found) ?? found
}

/** The detail where it is the key's models that do not allow it. */
export const MODEL_NOT_ALLOWED = 'the key may not use this model'

function beyond(bounds: readonly Bounds[], configured: Configured, route: Route): Out | undefined {
  for (const { whose, geographies } of bounds) {
    if (!geographies) continue
    const reach = reachOf(route)
    if (!isWithin(reach, geographies)) {
      const detail = `${reachInWords(reach)}, the ${whose}'s geographies are ${listed(geographies)}`
      return out(configured, 'geography', detail)
    }
  }
  return undefined
}

function whatIsThere(configured: Configured, { name, at, principal, known }: Question): Route | Out {
  if (!configured.enabled) return out(configured, 'disabled')
  if (at !== undefined && !goesBy(configured, at)) return out(configured, 'not_asked')
  let upstream: Route['upstream']
  try {
    upstream = upstreamFor(configured, principal)
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error
    return { ...out(configured, 'misconfigured', error.message), cause: error }
  }
  try {
    const found = providerNamed(upstream.provider).find(name, upstream)
    if (!found) return out(configured, 'no_model')
    return known?.(found) ?? found
  } catch (error) {
    if (!(error instanceof GatewayError) || error.type !== 'not_found_error') throw error
    return out(configured, 'no_model', error.message)
  }
}

/** By its own name or id, and by its kind. */
export function goesBy({ id, name, kind }: Configured, asked: string): boolean {
  return asked === id || asked === kind || asked.toLowerCase() === name.toLowerCase()
}

function standing(configured: Configured, route: Route, looks: Looks): Fit | Short {
  const { health, breaker, headroom, now } = looks
  const { room, wait } = headroom(route)
  const fit: Fit = { configured, route, room }
  const { healthy, reason } = health(configured)
  if (!healthy) return { ...fit, reason: 'unhealthy', detail: reason, until: undefined }
  const state = breaker(configured.id, route.modelId)
  if (state.open)
    return {
      ...fit,
      reason: 'breaker_open',
      detail: `for ${inSeconds(state.until - now)}`,
      until: state.until,
    }
  if (wait > 0)
    return { ...fit, reason: 'no_headroom', detail: `room in ${inSeconds(wait)}`, until: now + wait }
  return fit
}

function inSeconds(milliseconds: number): string {
  return `${Math.max(1, Math.ceil(milliseconds / 1_000))} s`
}

function out(configured: Configured, reason: Out['reason'], detail?: string): Out {
  return { upstream: configured.id, reason, detail, configured }
}

function listed(words: readonly string[]): string {
  return words.join(', ') || 'none'
}

/** What the model of a route goes by: a pattern may mean any of it. */
export function namesOf({ model, modelId }: Route, asked: string): string[] {
  return model ? [model.name, listedName(model), modelId] : [asked, modelId]
}
