/** What happens by the clock, the same on every runtime: by a timer where there is a process, by a cron trigger else. */
import { deriveHours } from './gateway/books.ts'
import { deliverDue, STALE } from './gateway/deliver.ts'
import { pruneLedger } from './gateway/retention.ts'
import { surveyUpstreams } from './gateway/survey.ts'
import { watchBacklog, watchErrors, watchKeys, watchPrices, watchQuarantine } from './gateway/watch.ts'
import { watchUpstreams } from './gateway/watchupstreams.ts'
import { codeOf } from './protocol/codes.ts'
import type { Runtime } from './runtime.ts'

export const MINUTE = 60_000
export const HOUR = 3_600_000
const DAY = 24 * HOUR
const SLACK = 600_000

/** How long a notice is kept: its subject must not come again meanwhile, and no window is longer than a quarter. */
const KEEP_NOTICES = 400 * DAY
const MOST_PRUNED = 5_000

/** What every minute wants done. Replicas may do it at the same time. */
export async function everyMinute(runtime: Runtime): Promise<void> {
  await each(runtime, {
    watchKeys,
    watchErrors,
    watchUpstreams,
    watchPrices,
    watchQuarantine,
    watchBacklog,
    deriveHours,
    surveyUpstreams,
  })
  await each(runtime, { deliverDue })
}

/** What every hour wants done. */
export async function everyHour(runtime: Runtime): Promise<void> {
  // What has been under way for longer than anything may be.
  await closeLost(runtime, runtime.now() - runtime.config.limits.totalAfter - SLACK)
  await each(runtime, { tidyNotices, pruneLedger })
}

/** One job that fails keeps none of the others from being done. */
async function each(
  runtime: Runtime,
  jobs: Readonly<Record<string, (runtime: Runtime) => Promise<unknown>>>,
): Promise<void> {
  const attempts = Object.entries(jobs).map(async ([job, work]) => {
    await work(runtime).catch((error: unknown) => {
      runtime.log('error', 'a job by the clock failed', { job, code: codeOf(error) || 'unknown' })
    })
  })
  await Promise.all(attempts)
}

/** What was begun before that time and is still pending has lost its process: the ledger says so. */
export async function closeLost({ data, log }: Runtime, before: number): Promise<void> {
  const lost = await data.ledger.closeLost(new Date(before))
  if (lost > 0)
    log('warn', 'requests were under way when a gateway stopped: marked as lost', { requests: lost })
}

async function tidyNotices({ data, log, now }: Runtime): Promise<void> {
  const stale = await data.deliveries.expire(new Date(now() - STALE), 'too_old')
  if (stale > 0) log('warn', 'notices were given up: their channels did not take them', { deliveries: stale })
  await data.notices.prune(new Date(now() - KEEP_NOTICES), MOST_PRUNED)
}
