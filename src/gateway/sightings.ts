/**
 * What this process has seen of each upstream lately, attempt by attempt: enough to say that one is down or does badly.
 * Each process sees for itself; what two of them find is one notice, since its subject is the same.
 */
import type { NewNotice } from '../data/notices.ts'
import { asGatewayError } from '../errors.ts'
import type { Route } from '../providers/provider.ts'
import type { Runtime } from '../runtime.ts'
import { hourOf } from './notices.ts'
import { upstreamNames } from './routing/names.ts'

/** `throttled`: it refuses, but it is there. */
export type Sight = 'answered' | 'throttled' | 'failed'
export type Finding = 'upstream_down' | 'upstream_degraded' | 'serving_from_secondary'

export interface Sightings {
  /** An attempt's outcome; what it makes of the upstream, where that is bad. */
  saw(upstream: string, sight: Sight, now: number): Finding | undefined
  /** True for the first to ask in an hour: nobody has to be told again. */
  isNews(upstream: string, finding: Finding, now: number): boolean
  /** It could not be told after all. */
  forget(upstream: string, finding: Finding): void
  /** Its credentials could not be renewed: those it has are good until then. */
  fades(upstream: string, until: number, now: number): void
  /** Those of which that was seen lately. */
  fadings(now: number): { upstream: string; until: number }[]
  /** Which of those that were spared when this was last asked are so no more. */
  wellAgain(spared: ReadonlySet<string>): string[]
}

/** So many failures in a row, and nothing else, are an upstream that is down. */
const DOWN_AFTER = 5
/** So many failures among that many attempts are one that does badly. */
const [DEGRADED, AMONG] = [10, 20]
/** What is older says nothing of now. Milliseconds. */
const MEMORY = 600_000
/** A renewal that failed is tried again within a minute: one that was not for so long has come through. */
const LATELY = 150_000

interface Seen {
  sight: Sight
  at: number
}

export function newSightings(): Sightings {
  const lately = new Map<string, Seen[]>()
  const told = new Map<string, string>()
  const fading = new Map<string, { until: number; at: number }>()
  let sparedBefore: ReadonlySet<string> = new Set()
  const nameOf = (upstream: string, finding: Finding) => `${finding}:${upstream}`

  return {
    saw(upstream, sight, now) {
      const seen = lately.get(upstream) ?? []
      lately.set(upstream, seen)
      seen.push({ sight, at: now })
      if (seen.length > AMONG) seen.shift()
      return sight === 'answered' ? undefined : judgement(seen.filter(({ at }) => at > now - MEMORY))
    },
    isNews(upstream, finding, now) {
      const name = nameOf(upstream, finding)
      if (told.get(name) === hourOf(now)) return false
      told.set(name, hourOf(now))
      return true
    },
    forget(upstream, finding) {
      told.delete(nameOf(upstream, finding))
    },
    fades: (upstream, until, now) => void fading.set(upstream, { until, at: now }),
    fadings(now) {
      for (const [upstream, { at }] of fading) if (at < now - LATELY) fading.delete(upstream)
      return [...fading].map(([upstream, { until }]) => ({ upstream, until }))
    },
    wellAgain(spared) {
      const back = [...sparedBefore].filter((upstream) => !spared.has(upstream))
      sparedBefore = spared
      return back
    },
  }
}

function judgement(seen: readonly Seen[]): Finding | undefined {
  const last = seen.slice(-DOWN_AFTER)
  if (last.length === DOWN_AFTER && last.every(({ sight }) => sight === 'failed')) return 'upstream_down'
  return seen.filter(({ sight }) => sight !== 'answered').length >= DEGRADED ? 'upstream_degraded' : undefined
}

/** The upstream accepted, or refused for what is wrong with the call: it is well. */
export function sawAnswer(runtime: Runtime, { upstream }: Route): void {
  runtime.sightings.saw(upstream.id, 'answered', runtime.now())
}

/** An attempt failed for a reason of the upstream's own. */
export function sawFailure(runtime: Runtime, { upstream }: Route, error: unknown): void {
  const { type } = asGatewayError(error)
  const finding = runtime.sightings.saw(
    upstream.id,
    type === 'rate_limit_error' ? 'throttled' : 'failed',
    runtime.now(),
  )
  if (finding) tell(runtime, upstream.id, finding, { error: type, region: upstream.region })
}

/**
 * A call went to one upstream because another one failed. Told where calls are kept from that one for a while: that a
 * single call finds its room elsewhere is what several upstreams are for.
 */
export function sawDetour(runtime: Runtime, missed: Route, { upstream: taken }: Route): void {
  const { id } = missed.upstream
  if (id === taken.id) return
  const look = runtime.steering.breakers.look(id, missed.modelId, runtime.now())
  if (!look.open || look.class === 'throttled') return
  tell(runtime, id, 'serving_from_secondary', { secondary: taken.id, region: taken.region })
}

function tell(runtime: Runtime, upstream: string, finding: Finding, detail: NewNotice['detail']) {
  const now = runtime.now()
  if (!runtime.sightings.isNews(upstream, finding, now)) return
  const raised = raise(runtime, upstream, finding, detail).catch((error: unknown) => {
    runtime.sightings.forget(upstream, finding)
    throw error
  })
  runtime.waitUntil(raised)
}

async function raise(runtime: Runtime, upstream: string, finding: Finding, detail: NewNotice['detail']) {
  const hour = hourOf(runtime.now())
  const name = await upstreamNames(runtime)
  await runtime.data.notices.raise({
    kind: finding,
    severity: finding === 'upstream_down' ? 'critical' : 'warning',
    subject: `${finding}:${upstream}:${hour}`,
    teamId: null,
    sentence: SENTENCES[finding](name(upstream), name(String(detail['secondary'] ?? ''))),
    detail: { upstream, name: name(upstream), ...detail },
  })
}

const SENTENCES: Readonly<Record<Finding, (upstream: string, secondary: string) => string>> = {
  upstream_down: (upstream) =>
    `The upstream '${upstream}' is down: ${DOWN_AFTER} calls in a row failed there.`,
  upstream_degraded: (upstream) =>
    `The upstream '${upstream}' does badly: of the last ${AMONG} calls, ${DEGRADED} or more failed there or were throttled.`,
  serving_from_secondary: (upstream, secondary) =>
    `Calls are served by the upstream '${secondary}', since '${upstream}' does not accept them.`,
}
