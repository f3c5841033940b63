/** What every database must do, whichever Postgres it is. */
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Capability } from '../../src/data/capabilities.ts'
import { type Data, dataIn } from '../../src/data/data.ts'
import { type OpenDatabase, rowsOf } from '../../src/data/database.ts'
import { createKey } from '../../src/gateway/keys.ts'
import { counters } from '../../src/protocol/metrics.ts'
import { auditSuite } from './auditsuite.ts'
import { budgetSuite } from './budgetsuite.ts'
import { peopleSuite } from './peoplesuite.ts'
import { pricesSuite } from './pricessuite.ts'
import { ALL, NOW, rowMaker } from './rows.ts'

/** Text that nothing makes shorter: no index of Postgres takes so much. */
function noise(length: number): string {
  return Array.from({ length }, (_, index) => ((index * 2_654_435_761) >>> 7) % 36)
    .map((digit) => digit.toString(36))
    .join('')
}

/** @param transactions whether this database has them: over Neon's HTTP there are none */
export function dataSuite(open: () => Promise<OpenDatabase>, { transactions } = { transactions: true }) {
  let opened: OpenDatabase
  let data: Data
  const lines: string[] = []
  const metrics = counters()
  beforeAll(async () => {
    opened = await open()
    const { database, loose = false } = opened
    data = dataIn(database, (_, message) => void lines.push(message), { loose, metrics })
  })
  afterAll(() => opened.close())

  let time = NOW
  const row = rowMaker()

  describe('keys', () => {
    const make = (name: string) =>
      createKey(
        { data, now: () => time++ },
        {
          name,
          models: ['claude-*', 'it\'s {"quoted"}'],
          requestsPerMinute: 60,
          tokensPerMinute: 5_000_000_000,
        },
      )

    test('come back as they were made, by hash and by id', async () => {
      const { key } = await make('Zoë')
      expect(await data.keys.byHash(key.hash)).toEqual({ key, user: null, team: null, isMember: true })
      expect(await data.keys.byId(key.id)).toEqual(key)
      expect(await data.keys.byHash('nobody')).toBeUndefined()
    })

    test('change only in what is said', async () => {
      const { key } = await make('before')
      const at = new Date(NOW + 7)
      expect(await data.keys.change(key.id, { name: 'after', models: undefined })).toEqual({
        ...key,
        name: 'after',
      })
      expect(await data.keys.change(key.id, { disabledAt: at })).toEqual({
        ...key,
        name: 'after',
        disabledAt: at,
      })
      expect(await data.keys.change(key.id, { models: null })).toMatchObject({ models: null, disabledAt: at })
      expect(await data.keys.change(key.id, { tokensPerMinute: null })).toMatchObject({
        requestsPerMinute: 60,
        tokensPerMinute: null,
      })
      expect(await data.keys.change(key.id, {})).toMatchObject({ name: 'after' })
      expect(await data.keys.change('key_none', { name: 'x' })).toBeUndefined()
    })

    test('that are removed are found no more, and their row stays', async () => {
      const { key } = await make('gone')
      expect(await data.keys.remove(key.id, new Date())).toMatchObject({ id: key.id })
      expect(await data.keys.byHash(key.hash)).toBeUndefined()
      expect(await data.keys.remove(key.id, new Date())).toBeUndefined()
      const left = await opened.database.execute(sql`select id from keys where id = ${key.id}`)
      expect(JSON.stringify(left)).toContain(key.id)
    })

    test('are listed in the order they were made, from any of them on', async () => {
      const made = [await make('1'), await make('2'), await make('3')].map(({ key }) => key.id)
      const after = await data.keys.list({ after: made[0], limit: 1 })
      expect(after.map(({ id }) => id)).toEqual([made[1]])
    })
  })

  describe('the ledger', () => {
    const find = async (id: string) =>
      (await data.ledger.find({ owners: ALL, limit: 1_000 })).find((each) => each.id === id)

    test('keeps one row a request: the end replaces the beginning', async () => {
      const pending = row()
      const settled = {
        ...pending,
        status: 'succeeded' as const,
        inputTokens: 5,
        costNano: 9_007_199_254_740_991,
        stopReason: 'end_turn',
      }
      await data.ledger.write(pending)
      expect(await find(pending.id)).toMatchObject({ status: 'pending', costNano: null })
      await data.ledger.write(settled)
      expect(await find(pending.id)).toMatchObject({ ...settled, startedAt: new Date(NOW) })
    })

    test('of two beginnings keeps the one after which more was tried, whichever comes last', async () => {
      const first = row({ upstream: 'one', attempts: 1 })
      const second = { ...first, upstream: 'two', attempts: 2 }
      for (const each of [first, second, first]) {
        await data.ledger.write(each)
      }
      expect(await find(first.id)).toMatchObject({ status: 'pending', upstream: 'two', attempts: 2 })
    })

    test('keeps the end when the beginning comes late, and when either comes twice', async () => {
      const pending = row()
      const settled = { ...pending, status: 'cancelled' as const, outputTokens: 3 }
      await data.ledger.write(settled)
      await data.ledger.write(pending)
      await data.ledger.write(settled)
      expect(await find(pending.id)).toMatchObject({ status: 'cancelled', outputTokens: 3 })
    })

    test('a guess that it was lost is written over a beginning, never over an end', async () => {
      const [begun, over] = [row(), row()]
      await data.ledger.write(begun)
      await data.ledger.write({ ...over, status: 'succeeded', outputTokens: 7 })
      for (const each of [begun, over]) await data.ledger.write({ ...each, status: 'lost' })
      expect(await find(begun.id)).toMatchObject({ status: 'lost' })
      expect(await find(over.id)).toMatchObject({ status: 'succeeded', outputTokens: 7 })
      await data.ledger.write({ ...begun, status: 'succeeded' })
      expect(await find(begun.id)).toMatchObject({ status: 'succeeded' })
    })

    test('keeps each of a thousand rows that come at once, beginning and end', async () => {
      const pending = Array.from({ length: 1_000 }, () => row({ sessionId: 'crowd' }))
      await Promise.all([
        ...pending.map((each) => data.ledger.write(each)),
        ...pending.map((each) => data.ledger.write({ ...each, status: 'succeeded' })),
      ])
      const kept = await data.ledger.find({ owners: ALL, session: 'crowd', limit: 2_000 })
      expect(kept.filter(({ status }) => status === 'succeeded')).toHaveLength(1_000)
    })

    test('rows that the database cannot hold go into quarantine, and keep none of the others out', async () => {
      const count = vi.spyOn(metrics, 'count')
      const [long, large] = [{ sessionId: noise(20_000) }, { attempts: 2 ** 40 }]
      const [bad, worse] = [row(long), row(large)]
      const good = Array.from({ length: 60 }, () => row())
      const began = new Date(Date.now() - 60_000)
      const before = await data.signs.quarantined(began)
      const all = [...good.slice(0, 20), bad, ...good.slice(20), worse]
      await Promise.all(all.map((each) => data.ledger.write(each)))
      for (const each of good) expect(await data.ledger.byId(each.id)).toMatchObject({ id: each.id })
      for (const each of [bad, worse]) expect(await data.ledger.byId(each.id)).toBeUndefined()
      expect(await data.signs.quarantined(began)).toBe(before + 2)
      const held = await rowsOf<{ id: string; row: string; code: string }>(
        opened.database,
        sql`select id, row, code from quarantine where id in (${bad.id}, ${worse.id}) order by id`,
      )
      expect(held.map(({ id, code }) => [id, code])).toEqual([
        [bad.id, '54000'],
        [worse.id, '22003'],
      ])
      expect(held.map((each) => JSON.parse(each.row))).toMatchObject([long, large])
      expect(count.mock.calls).toEqual([
        ['outcrop_ledger_quarantined_total', { code: '54000' }],
        ['outcrop_ledger_quarantined_total', { code: '22003' }],
      ])
      expect(lines).toContain('the database cannot hold a ledger row: it is in quarantine')
    })

    test('the end of a request that is in quarantine is what stays there', async () => {
      const bad = row({ attempts: 2 ** 40, stopReason: '\u0000' })
      await data.ledger.write(bad)
      await data.ledger.write({ ...bad, status: 'succeeded' })
      await data.ledger.write(bad)
      const [held] = await rowsOf<{ row: string }>(
        opened.database,
        sql`select row from quarantine where id = ${bad.id}`,
      )
      expect(JSON.parse(held?.row ?? '')).toMatchObject({ status: 'succeeded' })
    })

    test('a name that is half a character long, or has a NUL in it, is kept as far as it can be', async () => {
      const [odd, plain] = [row({ model: 'x\ud83d\0' }), row({ model: 'x\\ud83d \\u0000 \u{1f600}' })]
      await Promise.all([odd, plain].map((each) => data.ledger.write(each)))
      expect((await find(odd.id))?.model).toBe('x\ufffd\ufffd')
      expect((await find(plain.id))?.model).toBe(plain.model)
    })

    test('is found by key, model, session, status and time, newest first, page by page', async () => {
      const day = 86_400_000
      const mine = [1, 2, 3].map((days) =>
        row({
          keyId: 'key_find',
          model: `m${days}`,
          status: 'succeeded',
          startedAt: new Date(NOW + days * day),
        }),
      )
      for (const each of mine) await data.ledger.write(each)
      const ids = async (filter: object) =>
        (await data.ledger.find({ owners: ALL, key: 'key_find', limit: 10, ...filter })).map(({ id }) => id)
      const all = mine.map(({ id }) => id).toReversed()
      expect(await ids({})).toEqual(all)
      expect(await ids({ model: 'm2' })).toEqual([all[1]])
      expect(await ids({ status: 'pending' })).toEqual([])
      expect(await ids({ from: new Date(NOW + 2 * day), to: new Date(NOW + 3 * day) })).toEqual([all[1]])
      expect(await ids({ before: all[0], limit: 1 })).toEqual([all[1]])
    })

    test('what was left pending is marked lost, and nothing else is', async () => {
      const [pending, done] = [row(), row({ status: 'succeeded' })]
      await data.ledger.write(pending)
      await data.ledger.write(done)
      expect(await data.ledger.closeLost(new Date(NOW))).toBe(0)
      expect(await data.ledger.closeLost(new Date(NOW + 1))).toBeGreaterThan(0)
      expect(await find(pending.id)).toMatchObject({ status: 'lost' })
      expect(await find(done.id)).toMatchObject({ status: 'succeeded' })
      expect(await data.ledger.closeLost(new Date(NOW + 1))).toBe(0)
    })
  })

  describe('capabilities', () => {
    const lesson = (name: string, more: Partial<Capability> = {}): Capability => ({
      place: 'bedrock/invoke/us-east-1/m',
      kind: 'beta',
      name,
      verdict: 'refused',
      pinned: false,
      learnedAt: new Date(NOW),
      expiresAt: new Date(Date.now() + 60_000),
      ...more,
    })
    const verdicts = async (at = new Date()) =>
      (await data.capabilities.all(at)).map(({ name, verdict, pinned }) => [name, verdict, pinned])

    test('are learned, learned over, pinned against that, and forgotten', async () => {
      await data.capabilities.learn([lesson('a'), lesson('b', { verdict: 'suspect' })])
      expect(await verdicts()).toEqual([
        ['a', 'refused', false],
        ['b', 'suspect', false],
      ])
      await data.capabilities.learn([lesson('b', { verdict: 'accepted' })])
      await data.capabilities.pin(lesson('a', { verdict: 'accepted', pinned: true, expiresAt: null }))
      await data.capabilities.learn([lesson('a')])
      await data.capabilities.learn([])
      expect(await verdicts()).toEqual([
        ['a', 'accepted', true],
        ['b', 'accepted', false],
      ])
      expect(await data.capabilities.forget(lesson('a').place, 'field', 'a')).toBe(false)
      expect(await data.capabilities.forget(lesson('a').place, 'beta', 'a')).toBe(true)
      expect(await verdicts()).toEqual([['b', 'accepted', false]])
    })

    test('hold until they expire, and are then cleared away', async () => {
      await data.capabilities.learn([lesson('c', { expiresAt: new Date(Date.now() - 1_000) })])
      expect((await verdicts()).map(([name]) => name)).not.toContain('c')
      expect((await verdicts(new Date(NOW - 86_400_000))).map(([name]) => name)).toContain('c')
      await data.capabilities.learn([lesson('d')])
      expect((await verdicts(new Date(NOW - 86_400_000))).map(([name]) => name)).not.toContain('c')
    })
  })

  test('a setting is put, put again, and dropped', async () => {
    await data.settings.put('mode', 'all')
    await data.settings.put('mode', { own: true })
    expect(await data.settings.get('mode')).toEqual({ own: true })
    expect(await data.settings.drop('mode')).toBe(true)
    expect(await data.settings.drop('mode')).toBe(false)
    expect(await data.settings.get('mode')).toBeUndefined()
  })

  test('a setting is claimed by exactly one of many', async () => {
    const claims = await Promise.all(
      Array.from({ length: 20 }, (_, index) => data.settings.claim('prize', { index })),
    )
    expect(claims.filter(Boolean)).toHaveLength(1)
    expect(await data.settings.get('prize')).toEqual({ index: claims.indexOf(true) })
    expect(await data.settings.get('nothing')).toBeUndefined()
  })

  const suite = () => ({ data })
  peopleSuite(suite, transactions)
  auditSuite(suite, transactions)
  pricesSuite(() => opened.database)
  budgetSuite(suite)

  test('answers a ping', async () => {
    await expect(data.ping()).resolves.toBeUndefined()
  })
}
