/** Ledger rows for tests. */
import type { LedgerRow } from '../../src/data/rows.ts'
import { newId } from '../../src/protocol/ids.ts'

export const NOW = Date.UTC(2026, 10, 20)

/** Whose: everybody's. */
export const ALL = { all: true, teams: [], userId: undefined }

/** A row of a request that came then, in milliseconds since 1970. */
export function rowAt(at: number, more: Partial<LedgerRow> = {}): LedgerRow {
  return {
    id: newId('req', at),
    status: 'succeeded',
    keyId: 'key_1',
    model: 'm',
    modelId: 'us.m',
    provider: 'bedrock',
    upstream: 'default',
    region: 'us-east-1',
    stream: true,
    attempts: 1,
    startedAt: new Date(at),
    ...more,
  }
}

/** A row of money spent on Opus, then. */
export function spentAt(at: number, costNano: number, more: Partial<LedgerRow> = {}): LedgerRow {
  const opus = { model: 'claude-opus-5-5', modelId: 'us.anthropic.claude-opus-5-5' }
  return rowAt(at, { ...opus, costNano, day: new Date(at).toISOString().slice(0, 10), ...more })
}

/** Gives rows of requests that come one millisecond after the other. */
export function rowMaker(): (more?: Partial<LedgerRow>) => LedgerRow {
  let time = NOW
  return (more = {}) => ({ ...rowAt(time++), status: 'pending', startedAt: new Date(NOW), ...more })
}
