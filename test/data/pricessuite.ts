/** What prices and the ledger's costs must be, whichever database keeps them. */
import { beforeAll, describe, expect, test } from 'vitest'
import type { Database } from '../../src/data/database.ts'
import { type PriceRows, pricesIn, type StoredPrice } from '../../src/data/prices.ts'
import { type Repricing, repricingIn } from '../../src/data/repricing.ts'
import { requestsIn } from '../../src/data/requests.ts'
import { type LedgerRow, written } from '../../src/data/rows.ts'
import { newId } from '../../src/protocol/ids.ts'
import { rowAt } from './rows.ts'

const AT = Date.UTC(2031, 4, 1)
const WINDOW = { from: new Date(AT), to: new Date(AT + 1_000_000) }

function price(more: Partial<StoredPrice> = {}): StoredPrice {
  return {
    id: newId('price', AT),
    provider: 'bedrock',
    model: 'claude-opus-5-5',
    regionClass: '',
    tier: '',
    from: '2031-05-01',
    rates: { input: 4_000_000, output: 20_000_000, cacheRead: 200_000 },
    long: null,
    source: 'admin',
    createdBy: 'root',
    createdAt: new Date(AT),
    archivedAt: null,
    ...more,
  }
}

function row(offset: number, more: Partial<LedgerRow> = {}): LedgerRow {
  return rowAt(AT + offset, { keyId: 'key_prices', ...more })
}

export function pricesSuite(database: () => Database) {
  describe('prices', () => {
    let prices: PriceRows
    let repricing: Repricing
    let write: (...rows: LedgerRow[]) => Promise<void>

    beforeAll(() => {
      prices = pricesIn(database())
      repricing = repricingIn(database())
      write = (...rows) => requestsIn(database()).upsert(rows.map(written))
    })

    test('come back as they were said, until they are archived', async () => {
      const long = { above: 100_000, rates: { input: 8, output: 16, cacheRead: 1, cacheWrite5m: 9 } }
      const [one, other] = [price({ long }), price({ id: newId('price', AT + 1), tier: 'priority' })]
      await prices.create([one, other])
      expect(await prices.live(10)).toEqual([other, one])
      expect(await prices.countLive()).toBe(2)
      expect(await prices.archive(one.id, new Date(AT))).toEqual(one)
      expect(await prices.archive(one.id, new Date(AT))).toBeUndefined()
      expect(await prices.live(10)).toEqual([other])
      expect(await prices.list({ after: undefined, limit: 10 })).toHaveLength(2)
    })

    test('go in together or not at all', async () => {
      const before = await prices.countLive()
      const twice = price()
      await expect(prices.create([price(), twice, twice])).rejects.toThrow()
      expect(await prices.countLive()).toBe(before)
    })

    test('the ledger is gone through in batches: every row that was charged, once', async () => {
      const rows = Array.from({ length: 25 }, (_, index) => row(Math.floor(index / 10), { costNano: index }))
      await write(...rows, row(1, { status: 'pending' }), row(1, { status: 'refused', costNano: 0 }))
      const seen: string[] = []
      let after: string | undefined
      do {
        const batch = await repricing.batch({ ...WINDOW, after, limit: 7 })
        seen.push(...batch.rows.map(({ id }) => id))
        after = batch.next
      } while (after !== undefined)
      expect(seen.toSorted()).toEqual(rows.map(({ id }) => id).toSorted())
      expect(new Set(seen).size).toBe(25)
    })

    test('a row is corrected where it still says what was read', async () => {
      const [one, other, unpriced] = [row(5_000, { costNano: 10 }), row(5_001, { costNano: 10 }), row(5_002)]
      await write(one, other, unpriced)
      const changed = await repricing.correct([
        { id: one.id, was: 10, cost: 9_007_199_254_740_991 },
        { id: other.id, was: 11, cost: 20 },
        { id: unpriced.id, was: null, cost: 30 },
      ])
      expect(changed).toBe(2)
      const { rows } = await repricing.batch({
        from: new Date(AT + 5_000),
        to: WINDOW.to,
        after: undefined,
        limit: 100,
      })
      expect(rows.map(({ costNano }) => costNano)).toEqual([9_007_199_254_740_991, 10, 30])
      expect(await repricing.correct([])).toBe(0)
    })

    test('what has none is summed up, the most tokens first', async () => {
      const from = new Date(AT + 9_000)
      await write(
        row(9_000, { modelId: 'arn:a', inputTokens: 5, outputTokens: 6, regionClass: 'us' }),
        row(9_001, { modelId: 'arn:a', cacheReadTokens: 1, cacheWrite5mTokens: 2, regionClass: 'us' }),
        row(9_002, { modelId: 'arn:b', cacheWrite1hTokens: 100 }),
        row(9_003, { modelId: 'arn:b', inputTokens: 9, costNano: 0 }),
      )
      expect(await repricing.unpriced({ from, to: WINDOW.to, limit: 10 })).toMatchObject([
        { modelId: 'arn:b', requests: 1, tokens: 100, regionClass: null },
        { modelId: 'arn:a', requests: 2, tokens: 14, regionClass: 'us', last: new Date(AT + 9_001) },
      ])
      expect(await repricing.unpriced({ from, to: WINDOW.to, limit: 1 })).toHaveLength(1)
    })
  })
}
