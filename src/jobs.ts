/** What happens by the clock, the same on every runtime: by a timer where there is a process, by a cron trigger else. */
import type { Runtime } from './runtime.ts'

export const HOUR = 3_600_000
const SLACK = 600_000

/** What every hour wants done. */
export async function everyHour(runtime: Runtime): Promise<void> {
  // What has been under way for longer than anything may be.
  await closeLost(runtime, runtime.now() - runtime.config.limits.totalAfter - SLACK)
}

/** What was begun before that time and is still pending has lost its process: the ledger says so. */
export async function closeLost({ data, log }: Runtime, before: number): Promise<void> {
  const lost = await data.ledger.closeLost(new Date(before))
  if (lost > 0)
    log('warn', 'requests were under way when a gateway stopped: marked as lost', { requests: lost })
}
