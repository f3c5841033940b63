/** What is derived from the ledger, kept up with it by the clock. */
import type { Runtime } from '../runtime.ts'

/** Hours of one run: what a first run has to catch up with takes several. A Worker may ask no more at once. */
const MOST_HOURS = 300

/** Derives the hours in which something was written. Replicas may all be told to: one does it. */
export async function deriveHours({ data, log }: Runtime): Promise<void> {
  const derived = await data.hours.derive(MOST_HOURS)
  if (derived && derived.left > 0)
    log('info', 'hours of the ledger are derived, and more are left', { ...derived })
}
