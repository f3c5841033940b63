/** Whether the audit log is as it was written: its hashes made again, from the first entry on. */
import { type Audit, GENESIS, hashOfEntry } from '../data/audit.ts'

/** An entry that somebody has kept the hash of. */
export interface Witness {
  number: number
  hash: string
}

export interface Verdict {
  /** Entries that are as they were written, from the first one on. */
  intact: number
  /** The newest of them: whoever keeps it can tell later whether anything up to it was made anew. */
  last: Witness | null
  /** The first that is not. */
  broken: { number: number; problem: 'missing' | 'changed' } | null
}

const BATCH = 1_000

/** Walks the chain to its first break, or its end. */
export async function verifyChain(audit: Audit, witness?: Witness): Promise<Verdict> {
  let intact = 0
  let hash = GENESIS
  const verdict = (problem?: 'missing' | 'changed'): Verdict => ({
    intact,
    last: intact === 0 ? null : { number: intact, hash },
    broken: problem ? { number: intact + 1, problem } : null,
  })
  for (;;) {
    const rows = await audit.chain({ after: intact, limit: BATCH })
    for (const { hash: said, ...row } of rows) {
      if (row.number !== intact + 1) return verdict('missing')
      const made = await hashOfEntry(hash, row)
      const isOther = row.number === witness?.number && said !== witness.hash
      if (made !== said || isOther) return verdict('changed')
      intact++
      hash = said
    }
    // What was cut off at the end leaves no gap behind: only who was there knows of it.
    if (rows.length < BATCH) return verdict(witness && witness.number > intact ? 'missing' : undefined)
  }
}
