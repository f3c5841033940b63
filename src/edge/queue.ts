/**
 * The far end of the ledger's queue: rows that the database did not take from the request they are about. A row is
 * written whole and by id, so that a batch which comes twice changes nothing.
 */
import { type JsonRow, rowFromJson } from '../data/rows.ts'
import type { Runtime } from '../runtime.ts'
import type { Batch } from './bindings.ts'

/** Seconds. With the retries in wrangler.toml, rows wait for the database for half a day. */
const FIRST_DELAY = 15
const LONGEST_DELAY = 600

/** Writes what a batch holds; what is not written comes again later. */
export async function drain(runtime: Runtime, batch: Batch): Promise<void> {
  let rows = 0
  const written = await Promise.allSettled(
    batch.messages.map(async ({ body }) => {
      const group = (body as JsonRow[]).map(rowFromJson)
      await Promise.all(group.map((row) => runtime.data.ledger.write(row)))
      rows += group.length
    }),
  )
  for (const [index, message] of batch.messages.entries()) {
    if (written[index]?.status === 'fulfilled') message.ack()
    else message.retry({ delaySeconds: Math.min(LONGEST_DELAY, FIRST_DELAY * message.attempts) })
  }
  if (rows > 0) runtime.log('info', 'ledger rows from the queue were written', { rows })
}
