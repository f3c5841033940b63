/** How long the ledger is kept: a setting, and what follows from it each hour. */
import type { Tables } from '../data/data.ts'
import type { Kept } from '../data/retention.ts'
import type { Runtime } from '../runtime.ts'

export const RETENTION = 'retention'

/** Thirteen months of rows, to compare a month with the same one of the year before; hours for ever. */
const USUAL: Kept = { rows: 400, hours: null }

export async function retentionOf({ settings }: Pick<Tables, 'settings'>): Promise<Kept> {
  return ((await settings.get(RETENTION)) as Kept | undefined) ?? USUAL
}

/** Batches of each kind and hour: a million rows. */
const MOST_BATCHES = 200

/** Deletes what has been kept for long enough, as much of it as is good to do at once. */
export async function pruneLedger(runtime: Runtime): Promise<void> {
  const { rows, hours, more } = await runtime.data.retention.prune(
    await retentionOf(runtime.data),
    MOST_BATCHES,
  )
  if (rows + hours > 0)
    runtime.log('info', 'what the ledger no longer keeps is deleted', { rows, hours, more })
}
