/**
 * Finds out what upstreams offer, by the clock: one replica asks, and what it found is every replica's. What could not be
 * had stays as it was known.
 */

import type { UpstreamRow } from '../data/upstreams.ts'
import { codeOf } from '../protocol/codes.ts'
import type { Findings } from '../protocol/findings.ts'
import { providerNamed } from '../providers/index.ts'
import type { Entrance, Surveying } from '../providers/provider.ts'
import type { Runtime } from '../runtime.ts'
import { lent } from './dispatch.ts'
import { healthOf } from './health.ts'
import { type Configured, configured, forgetUpstreams, upstreamFor } from './routing/upstreams.ts'

const MINUTE = 60_000
/** How old findings may be. Jobs come by the minute, a little late. */
const EVERY = 10 * MINUTE - MINUTE / 2
/** Of what is broken: who mends it wants to see it mended. */
const EVERY_BROKEN = MINUTE / 2
/** After that somebody else does it, if whoever wanted to has not come back. */
const CLAIM = 2 * MINUTE

/** Surveys every upstream whose turn it is, unless another replica does. */
export async function surveyUpstreams(runtime: Runtime): Promise<void> {
  const all = await configured(runtime)
  await Promise.all(all.filter(({ enabled }) => enabled).map((each) => surveyInTurn(runtime, each)))
}

async function surveyInTurn(runtime: Runtime, upstream: Configured): Promise<void> {
  const { data, now, log } = runtime
  try {
    const at = now()
    const every = healthOf(upstream).healthy ? EVERY : EVERY_BROKEN
    const claim = { at: new Date(at), until: new Date(at + CLAIM), unless: new Date(at - every) }
    if (!(await data.surveys.claim(upstream.id, claim))) return
    await surveyNow(runtime, upstream.id)
  } catch (error) {
    log('warn', 'an upstream could not be surveyed', {
      upstream: upstream.id,
      code: codeOf(error) || 'unknown',
    })
  }
}

/** Surveys one upstream, and lets everybody know. */
async function surveyNow(runtime: Runtime, id: string): Promise<void> {
  const { surveys, upstreams } = runtime.data
  const before = await upstreams.byId(id)
  // As it is by now: what is known of it here may be from before somebody else changed it.
  forgetUpstreams(runtime)
  const present = (await configured(runtime)).find((each) => each.id === id)
  if (!present) return
  const findings = await survey(runtime, present)
  runtime.metrics.count('outcrop_surveys_total', { upstream: id, outcome: outcomeOf(findings) })
  // Whoever changed it meanwhile wants it found out anew.
  if (isSameLead(before, await upstreams.byId(id))) {
    await surveys.keep(id, findings, new Date(runtime.now()))
    tell(runtime, present, findings)
  } else {
    await surveys.forget(id)
  }
  forgetUpstreams(runtime)
}

function isSameLead(one: UpstreamRow | undefined, other: UpstreamRow | undefined): boolean {
  const [before, after] = [one, other].map(
    (row) => row && [row.region, row.transport, row.settings, row.secrets],
  )
  return JSON.stringify(before) === JSON.stringify(after)
}

/** `limited`: calls come through, but not everything could be found out, or be had. */
function outcomeOf(findings: Findings): 'passed' | 'limited' | 'unhealthy' {
  if (!healthOf({ findings }).healthy) return 'unhealthy'
  return findings.checks.every(({ verdict }) => verdict === 'passed') ? 'passed' : 'limited'
}

/** What is to be found out about an upstream now, over what is known of it. */
export async function survey(runtime: Runtime, upstream: Configured): Promise<Findings> {
  const { findings: known } = upstream
  let place: ReturnType<typeof upstreamFor>
  try {
    place = upstreamFor(upstream)
  } catch {
    return { ...known, checks: [] } // that it is not set up is said wherever it is looked at
  }
  const provider = providerNamed(place.provider)
  if (!provider.survey) return { checks: [] }
  const found = await provider.survey(place, await surveying(runtime, upstream), known)
  return { ...known, ...found }
}

/** What it takes to find out about an upstream. */
export async function surveying(runtime: Runtime, { id }: Configured): Promise<Surveying> {
  const row = await runtime.data.upstreams.byId(id)
  return {
    ...lent(runtime),
    quotasEndpoint: runtime.config.aws.quotasEndpoint,
    entrance: entranceOf(row?.settings ?? {}),
  }
}

const ASSUMES: Readonly<Record<string, Entrance['assumes']>> = {
  role: 'sts:AssumeRole',
  'web-identity': 'sts:AssumeRoleWithWebIdentity',
}

function entranceOf({
  credentials = '',
  sessionTags = '',
}: Readonly<Partial<Record<string, string>>>): Entrance {
  return { assumes: ASSUMES[credentials], tags: credentials === 'role' && sessionTags !== '' }
}

/** Once for each thing that comes to be wrong. */
function tell({ log }: Runtime, { id, findings: before }: Configured, { checks }: Findings) {
  for (const { action, verdict, error, says } of checks) {
    const was = before?.checks.find((each) => each.action === action)?.verdict
    if (verdict === was || (verdict !== 'refused' && verdict !== 'failed')) continue
    log('warn', 'a survey of an upstream found something wrong', { upstream: id, check: action, error, says })
  }
}
