/**
 * How upstreams stand, looked at each minute: which are spared because calls failed there, which are well again, whose
 * credentials could not be renewed, which quotas are too small. As this process has seen it; of what several see there is
 * one notice.
 */
import type { NewNotice } from '../data/notices.ts'
import type { Runtime } from '../runtime.ts'
import { healthOf } from './health.ts'
import { hourOf } from './notices.ts'
import type { Standing } from './routing/breaker.ts'
import type { FailureClass } from './routing/failures.ts'
import type { Stand } from './routing/headroom.ts'
import { figure } from './routing/plainly.ts'
import { type Advice, adviceOn } from './routing/quotaadvice.ts'
import { type Configured, configured } from './routing/upstreams.ts'

/** Fewer failures in a row may be over before anybody has read of them. */
const FEWEST_FAILURES = 3
/** What only people can mend is told at once. */
const FOR_PEOPLE: ReadonlySet<FailureClass> = new Set(['credentials', 'billing', 'access', 'spent_today'])
const MOST_NOTICES = 50

type Namer = (id: string) => string

export async function watchUpstreams(runtime: Runtime): Promise<void> {
  const { data, now, steering, sightings } = runtime
  const at = now()
  const spared = steering.breakers.standings(at).filter(isWorthTelling)
  const tight = steering.headroom.stands(at).flatMap((stand) => {
    const advice = adviceOn(stand)
    return advice ? [{ stand, advice }] : []
  })
  const fading = sightings.fadings(at)
  const back = sightings.wellAgain(new Set(spared.map(({ upstream }) => upstream)))
  const all = await configured(runtime)
  const name: Namer = (id) => all.find((each) => each.id === id)?.name ?? id
  const notices = [
    ...all.flatMap((each) => noticeOfIllness(each, at)),
    ...spared.map((each) => noticeOfSpared(each, name, at)),
    ...fading.map((each) => noticeOfFading(each, name, at)),
    ...tight.map(({ stand, advice }) => noticeOfQuota(stand, advice, at)),
    ...back.map((upstream) => noticeOfReturn(upstream, name, at)),
  ]
  for (const notice of notices.slice(0, MOST_NOTICES)) await data.notices.raise(notice)
}

/** That a quota is used up for a minute is everyday, and no failure: of quotas there is a notice of their own. */
function isWorthTelling({ state, class: failure, failures }: Standing): boolean {
  if (state === 'closed' || failure === 'throttled') return false
  return failures >= FEWEST_FAILURES || FOR_PEOPLE.has(failure)
}

const CAUSES: Readonly<Record<FailureClass, string>> = {
  throttled: 'it throttles them',
  spent_today: 'its quota of the day is used up',
  overloaded: 'it says that it has too much to do',
  failed: 'they fail there',
  slow: 'it does not begin to answer in time',
  unreachable: 'it cannot be reached',
  credentials: "it does not accept the gateway's credentials",
  billing: 'its account lacks money, or a subscription',
  access: 'its account may not use the model',
}

/** Of all its models it is down, of one it does badly. */
function noticeOfSpared({ upstream, model, class: failure }: Standing, name: Namer, now: number): NewNotice {
  const kind = model === undefined ? 'upstream_down' : 'upstream_degraded'
  const what = model === undefined ? 'Calls' : `Calls of '${model.slice(0, 200)}'`
  return {
    kind,
    severity: model === undefined ? 'critical' : 'warning',
    subject: `${kind}:${upstream}:${hourOf(now)}`,
    teamId: null,
    sentence: `${what} are kept from the upstream '${name(upstream)}', but for one now and then to see how it is: ${CAUSES[failure]}.`,
    detail: { upstream, name: name(upstream), cause: failure, ...(model === undefined ? {} : { model }) },
  }
}

/** By its last survey no call would come through: also where none has been sent. */
function noticeOfIllness(upstream: Configured, now: number): NewNotice[] {
  const { id, name, enabled } = upstream
  const { healthy, reason = '' } = healthOf(upstream)
  if (!enabled || healthy) return []
  return [
    {
      kind: 'upstream_unhealthy',
      severity: 'critical',
      subject: `upstream_unhealthy:${id}:${hourOf(now)}`,
      teamId: null,
      sentence: `The upstream '${name}' gets no calls: ${reason}`,
      detail: { upstream: id, name },
    },
  ]
}

function noticeOfReturn(upstream: string, name: Namer, now: number): NewNotice {
  return {
    kind: 'upstream_back',
    severity: 'info',
    subject: `upstream_back:${upstream}:${hourOf(now)}`,
    teamId: null,
    sentence: `The upstream '${name(upstream)}' answers again.`,
    detail: { upstream, name: name(upstream) },
  }
}

interface Fading {
  upstream: string
  /** When the credentials it has are no good any more, in milliseconds since 1970. */
  until: number
}

function noticeOfFading({ upstream, until }: Fading, name: Namer, now: number): NewNotice {
  const time = `${new Date(until).toISOString().slice(0, 16).replace('T', ' ')} UTC`
  return {
    kind: 'credentials_failing',
    severity: 'critical',
    subject: `credentials_failing:${upstream}:${hourOf(now)}`,
    teamId: null,
    sentence: `The credentials of the upstream '${name(upstream)}' cannot be renewed: those it has go on working until ${time}.`,
    detail: { upstream, name: name(upstream), until: new Date(until).toISOString() },
  }
}

/** Once a day: AWS takes as long to raise one. */
function noticeOfQuota({ holder }: Stand, { name, code, atLeast, evidence }: Advice, now: number): NewNotice {
  const { account, region } = holder
  return {
    kind: 'quota_saturated',
    severity: 'warning',
    subject: `quota_saturated:${account}:${region}:${name.slice(0, 200)}:${hourOf(now).slice(0, 10)}`,
    teamId: null,
    sentence: `The quota '${name}' of ${account} in ${region} is too small: ask AWS for ${figure(atLeast)} tokens a minute. ${evidence}`,
    detail: { account, region, quota: name, code: code ?? null, at_least: atLeast },
  }
}
