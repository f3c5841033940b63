/** Ledger rows for tests. */
import type { LedgerRow } from '../../src/data/rows.ts'
import { newId } from '../../src/protocol/ids.ts'

export const NOW = Date.UTC(2026, 10, 20)

/** Whose: everybody's. */
export const ALL = { all: true, teams: [], userId: undefined }

/** Gives rows of requests that come one millisecond after the other. */
export function rowMaker(): (more?: Partial<LedgerRow>) => LedgerRow {
  let time = NOW
  return (more = {}) => ({
    id: newId('req', time++),
    status: 'pending',
    keyId: 'key_1',
    model: 'm',
    modelId: 'us.m',
    provider: 'bedrock',
    upstream: 'default',
    region: 'us-east-1',
    stream: true,
    attempts: 1,
    startedAt: new Date(NOW),
    ...more,
  })
}
