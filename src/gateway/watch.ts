/** What the gateway looks at each minute, on every replica, and what it tells people of it. */
import type { NewNotice } from '../data/notices.ts'
import type { ExpiringKey, Outcomes, Unpriced } from '../data/signs.ts'
import type { Runtime } from '../runtime.ts'
import { hourOf } from './notices.ts'
import { upstreamNames } from './routing/names.ts'

/** Keys a minute: of more the next minute tells. */
const MOST_KEYS = 200
const MOST_MODELS = 20
/** How far back a minute looks, in milliseconds: further than one, should some have been missed. */
const LOOK_BACK = 300_000
/** A rate of fewer requests says nothing. */
const FEWEST_REQUESTS = 20
const [BAD, WORSE] = [0.1, 0.5]
/** Rows that waited at once; well, a busy gateway has some dozens. */
const BACKLOG = 1_000

/** Keys that are about to expire, seven days and one day before, and those that have. */
export async function watchKeys({ data, now }: Runtime): Promise<void> {
  for (const key of await data.signs.expiringKeys(new Date(now()), MOST_KEYS))
    await data.notices.raise(noticeOfKey(key))
}

function noticeOfKey({ id, name, hint, userId, teamId, expiresAt, stage, subject }: ExpiringKey): NewNotice {
  const time = `${expiresAt.toISOString().slice(0, 16).replace('T', ' ')} UTC`
  const isOver = stage === 'expired'
  return {
    kind: isOver ? 'key_expired' : 'key_expiring',
    severity: isOver || stage === '7d' ? 'info' : 'warning',
    subject,
    teamId,
    sentence: isOver
      ? `The key '${name}' (${hint}…) expired at ${time}.`
      : `The key '${name}' (${hint}…) expires within ${stage === '7d' ? 'seven days' : 'a day'}, at ${time}.`,
    detail: { key: id, name, user: userId, expires_at: expiresAt.toISOString() },
  }
}

/** How many requests of each upstream failed lately. */
export async function watchErrors(runtime: Runtime): Promise<void> {
  const { data, now } = runtime
  const outcomes = await data.signs.outcomes(new Date(now() - LOOK_BACK))
  for (const each of outcomes) {
    const share = each.failures / each.requests
    if (each.requests >= FEWEST_REQUESTS && share >= BAD)
      await data.notices.raise(
        noticeOfErrors(each, { share, name: (await upstreamNames(runtime))(each.upstream), now: now() }),
      )
  }
}

interface Told {
  share: number
  /** What the upstream is called. */
  name: string
  now: number
}

/** One for each severity: that it gets worse is news. */
function noticeOfErrors({ upstream, requests, failures }: Outcomes, { share, name, now }: Told): NewNotice {
  const severity = share >= WORSE ? 'critical' : 'warning'
  const percent = Math.floor(share * 100)
  return {
    kind: 'error_rate',
    severity,
    subject: `error_rate:${upstream}:${severity}:${hourOf(now)}`,
    teamId: null,
    sentence: `${percent} % of the requests to the upstream '${name}' failed: ${failures} of ${requests} in the last five minutes.`,
    detail: { upstream, failures, requests, percent },
  }
}

/** What was used without a price: once for a model and day. */
export async function watchPrices({ data, now }: Runtime): Promise<void> {
  for (const each of await data.signs.unpriced(new Date(now() - LOOK_BACK), MOST_MODELS))
    await data.notices.raise(noticeOfUnpriced(each, now()))
}

function noticeOfUnpriced({ provider, modelId, requests, tokens }: Unpriced, now: number): NewNotice {
  const model = modelId.slice(0, 200)
  return {
    kind: 'unpriced_usage',
    severity: 'warning',
    subject: `unpriced_usage:${provider}:${model}:${hourOf(now).slice(0, 10)}`,
    teamId: null,
    sentence: `No price is known for '${model}': what it is used for counts towards no budget.`,
    detail: { provider, model, requests, tokens },
  }
}

/** Rows that the database could not hold: once an hour, while there are new ones. */
export async function watchQuarantine({ data, now }: Runtime): Promise<void> {
  const rows = await data.signs.quarantined(new Date(now() - LOOK_BACK))
  if (rows === 0) return
  await data.notices.raise({
    kind: 'rows_quarantined',
    severity: 'critical',
    subject: `rows_quarantined:${hourOf(now())}`,
    teamId: null,
    sentence: `The database cannot hold ${rows} ledger rows: they are in quarantine, and counted nowhere.`,
    detail: { rows },
  })
}

/**
 * Rows that waited for the database. While it is away nothing can be told through it: people hear of the worst of it
 * when it is back, and the log says it at once.
 */
export async function watchBacklog({ data, now }: Runtime): Promise<void> {
  const rows = data.ledger.backlog.worst()
  if (rows >= BACKLOG)
    await data.notices.raise({
      kind: 'spool_growing',
      severity: 'warning',
      subject: `spool_growing:${hourOf(now())}`,
      teamId: null,
      sentence: `The database did not keep up with the ledger: ${rows} rows waited for it at once.`,
      detail: { rows },
    })
  data.ledger.backlog.forget()
}
