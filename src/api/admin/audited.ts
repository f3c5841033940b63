/** A change and its entry in the audit log: both, or neither. */
import type { Context } from 'hono'
import type { Tables } from '../../data/data.ts'
import { type Change, entryOf } from '../../gateway/audit.ts'
import type { AdminEnv } from '../env.ts'

/** What came of a change; without an entry nothing was changed after all. */
interface Done<Answer> {
  answer: Answer
  entry: Change | undefined
}

/**
 * Makes a change with the tables that are handed to `work`, and writes down who made it, in one transaction where the
 * database has them. `work` asks nothing of `c.env.data` meanwhile, and what it throws undoes all of it.
 */
export function audited<Answer>(
  c: Context<AdminEnv>,
  work: (tables: Tables) => Promise<Done<Answer>>,
): Promise<Answer> {
  const { actor, requestId } = c.var
  return c.env.data.atomically(async (tables) => {
    const { answer, entry } = await work(tables)
    if (entry) {
      const from = { at: new Date(c.env.now()), address: c.env.clientAddress, requestId }
      await tables.audit.append(entryOf(actor, entry, from))
    }
    return answer
  })
}
