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
export async function audited<Answer>(
  c: Context<AdminEnv>,
  work: (tables: Tables) => Promise<Done<Answer>>,
): Promise<Answer> {
  const { actor, requestId } = c.var
  const { answer, row } = await c.env.data.atomically(async (tables) => {
    const done = await work(tables)
    const from = { at: new Date(c.env.now()), address: c.env.clientAddress, requestId }
    const entry = done.entry && entryOf(actor, done.entry, from)
    return { answer: done.answer, row: entry && (await tables.audit.append(entry)) }
  })
  if (row) {
    const { number, action, target, hash } = row
    // Where logs are kept elsewhere, they bear witness to the chain.
    c.env.log('info', 'audit', { id: requestId, actor: actor.id, number, action, target, hash })
  }
  return answer
}
