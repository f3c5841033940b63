/** Notices, channels and deliveries: what every database must do, whichever Postgres it is. */
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { ChannelRow } from '../../src/data/channels.ts'
import { type Data, dataIn } from '../../src/data/data.ts'
import type { OpenDatabase } from '../../src/data/database.ts'
import type { Claim } from '../../src/data/deliveries.ts'
import type { NewNotice } from '../../src/data/notices.ts'
import { createKey } from '../../src/gateway/keys.ts'
import { newId } from '../../src/protocol/ids.ts'
import { rowMaker } from './rows.ts'

const LEASE = 60_000

export function noticeSuite(open: () => Promise<OpenDatabase>) {
  let opened: OpenDatabase
  let data: Data
  beforeAll(async () => {
    opened = await open()
    data = dataIn(opened.database, () => {})
  })
  afterAll(() => opened.close())
  beforeEach(async () => {
    for (const table of ['notices', 'deliveries', 'channels', 'keys', 'requests', 'quarantine'])
      await opened.database.execute(sql.raw(`delete from ${table}`))
  })

  let made = 0
  const notice = (more: Partial<NewNotice> = {}): NewNotice => ({
    kind: 'budget_threshold',
    severity: 'warning',
    subject: `budget_threshold:budget_1:${made++}`,
    teamId: null,
    sentence: 'The budget is at 80 %.',
    detail: { at: 80, budget: 'budget_1', until: null },
    ...more,
  })

  async function channel(more: Partial<ChannelRow> = {}): Promise<string> {
    const id = newId('channel', Date.now() + made++)
    await data.channels.create({
      id,
      kind: 'webhook',
      name: 'ops',
      settings: { url: 'https://example.com' },
      secrets: 'sealed',
      state: 'active',
      testedAt: new Date(),
      kinds: null,
      teams: null,
      createdAt: new Date(),
      archivedAt: null,
      ...more,
    })
    return id
  }

  /** Every delivery becomes due, as if its time had come. */
  const timePasses = () =>
    opened.database.execute(sql`update deliveries set next_at = now() where state = 'waiting'`)
  /** All that is due. */
  async function claimAll(lease = LEASE) {
    const claims: Claim[] = []
    for (const channelId of await data.deliveries.due()) {
      for (;;) {
        const claim = await data.deliveries.claim(channelId, lease)
        if (!claim) break
        claims.push(claim)
      }
    }
    return claims
  }

  describe('a notice', () => {
    test('is told once, however often and by however many it is raised', async () => {
      await channel()
      const one = notice()
      const raised = await Promise.all(Array.from({ length: 20 }, () => data.notices.raise(one)))
      expect(raised.filter(Boolean)).toHaveLength(1)
      expect(await claimAll()).toHaveLength(1)
      const [found] = await data.notices.find({ limit: 10 })
      expect(found).toMatchObject(one)
      expect(await data.notices.byId(found?.id ?? '')).toEqual(found)
      expect(await data.notices.byId('notice_none')).toBeUndefined()
      expect(await data.notices.raise(notice())).toBe(true)
    })

    test('goes to the channels that want its kind and its team, and are active', async () => {
      const all = await channel()
      const kind = await channel({ kinds: ['key_expiring', 'budget_threshold'] })
      const team = await channel({ teams: ['team_1', 'team_2'] })
      await channel({ kinds: ['key_expiring'] })
      await channel({ teams: ['team_3'] })
      await channel({ state: 'draft' })
      await channel({ state: 'off' })
      await channel({ archivedAt: new Date() })
      const goesTo = async (more: Partial<NewNotice>) => {
        await data.notices.raise(notice(more))
        return (await claimAll()).map(({ channelId }) => channelId).toSorted()
      }
      expect(await goesTo({ teamId: 'team_2' })).toEqual([all, kind, team].toSorted())
      expect(await goesTo({ teamId: null })).toEqual([all, kind].toSorted())
      expect(await goesTo({ kind: 'error_rate', teamId: 'team_1' })).toEqual([all, team].toSorted())
    })

    test('is found by kind, severity, team and time, newest first, page by page', async () => {
      await data.notices.raise(notice({ kind: 'error_rate', severity: 'critical' }))
      await data.notices.raise(notice({ teamId: 'team_1' }))
      await data.notices.raise(notice({ teamId: 'team_2' }))
      const all = await data.notices.find({ limit: 10 })
      const found = async (filter: object) =>
        (await data.notices.find({ limit: 10, ...filter })).map(({ id }) => id)
      const ids = all.map(({ id }) => id)
      expect(ids).toHaveLength(3)
      expect(ids).toEqual(ids.toSorted().toReversed())
      const of = (teamId: string | null) => all.filter((each) => each.teamId === teamId).map(({ id }) => id)
      expect(await found({ kind: 'error_rate' })).toEqual(of(null))
      expect(await found({ severity: 'critical' })).toEqual(of(null))
      expect(await found({ teams: ['team_1', 'team_9'] })).toEqual(of('team_1'))
      expect(await found({ teams: [] })).toEqual([])
      expect(await found({ from: new Date(Date.now() + 60_000) })).toEqual([])
      expect(await found({ before: ids[0], limit: 1 })).toEqual([ids[1]])
    })

    test('that is old goes with its deliveries, and may be told again', async () => {
      await channel()
      const one = notice()
      await data.notices.raise(one)
      expect(await data.notices.prune(new Date(0), 10)).toBe(0)
      expect(await data.notices.prune(new Date(Date.now() + 60_000), 10)).toBe(1)
      expect(await claimAll()).toEqual([])
      expect(await data.notices.raise(one)).toBe(true)
    })

    test('that went through one channel at once is in the history, with what came of it', async () => {
      const id = await channel()
      for (const problem of [undefined, 'http_404']) {
        await data.notices.record(
          { ...notice({ kind: 'test' }), id: newId('notice', Date.now() + made++) },
          id,
          problem,
        )
      }
      const history = await data.deliveries.find({ channelId: id, limit: 10 })
      expect(history).toMatchObject([
        { kind: 'test', state: 'dead', problem: 'http_404', attempts: 1, deliveredAt: null },
        { kind: 'test', state: 'delivered', problem: null, attempts: 1, deliveredAt: expect.any(Date) },
      ])
      expect(await data.deliveries.retry(id, new Date(0))).toBe(0)
    })
  })

  describe('a delivery', () => {
    test('is had by one of many that claim at the same time', async () => {
      await channel()
      await channel()
      for (let count = 0; count < 10; count++) await data.notices.raise(notice())
      const claims = (await Promise.all(Array.from({ length: 8 }, () => claimAll()))).flat()
      const names = claims.map(({ noticeId, channelId }) => `${noticeId} ${channelId}`)
      expect(names).toHaveLength(20)
      expect(new Set(names).size).toBe(20)
    })

    test('comes again when whoever had it died over it', async () => {
      const id = await channel()
      await data.notices.raise(notice())
      expect(await data.deliveries.claim(id, 0)).toMatchObject({ attempts: 1 })
      expect(await data.deliveries.claim(id, LEASE)).toMatchObject({ attempts: 2 })
      expect(await data.deliveries.claim(id, LEASE)).toBeUndefined()
      expect(await data.deliveries.due()).toEqual([])
    })

    test('that has waited longest is had first', async () => {
      const id = await channel()
      await data.notices.raise(notice())
      const [first] = await data.notices.find({ limit: 1 })
      const raisedAt = Date.now()
      await expect.poll(() => Date.now()).toBeGreaterThan(raisedAt + 1) // the clocks of databases count milliseconds
      for (let count = 0; count < 2; count++) await data.notices.raise(notice())
      expect(await data.deliveries.claim(id, LEASE)).toMatchObject({ noticeId: first?.id })
    })

    test('that failed waits for its time; that came through is over; that failed for good is dead', async () => {
      const id = await channel()
      await data.notices.raise(notice())
      const [first] = await claimAll()
      if (!first) throw new Error('nothing to claim')
      await data.deliveries.failed(first, 'http_500', 3_600_000)
      expect(await claimAll()).toEqual([])
      expect(await data.deliveries.find({ channelId: id, limit: 1 })).toMatchObject([
        { state: 'waiting', problem: 'http_500', attempts: 1 },
      ])
      await timePasses()
      const [second] = await claimAll()
      if (!second) throw new Error('nothing to claim')
      await data.deliveries.failed(second, 'timeout', undefined)
      await timePasses()
      expect(await claimAll()).toEqual([])
      expect(await data.deliveries.tally([id])).toEqual([{ channelId: id, state: 'dead', count: 1 }])
      expect(await data.deliveries.retry(id, new Date(Date.now() + 60_000))).toBe(0)
      expect(await data.deliveries.retry(id, new Date(0))).toBe(1)
      const [third] = await claimAll()
      expect(third).toMatchObject({ attempts: 1 })
      if (third) await data.deliveries.delivered(third)
      await timePasses()
      expect(await claimAll()).toEqual([])
      expect(await data.deliveries.find({ noticeId: second.noticeId, limit: 1 })).toMatchObject([
        { state: 'delivered', problem: null, kind: 'budget_threshold', deliveredAt: expect.any(Date) },
      ])
      expect(await data.deliveries.retry(id, new Date(0))).toBe(0)
    })

    test('whose lease ran out is not failed by the one who had it', async () => {
      const id = await channel()
      await data.notices.raise(notice())
      const slow = await data.deliveries.claim(id, 0)
      const [next] = await claimAll()
      if (!slow || !next) throw new Error('nothing to claim')
      await data.deliveries.failed(slow, 'timeout', undefined)
      expect(await data.deliveries.find({ channelId: id, limit: 1 })).toMatchObject([{ state: 'waiting' }])
      await data.deliveries.delivered(next)
      await data.deliveries.failed(next, 'timeout', undefined)
      expect(await data.deliveries.find({ channelId: id, limit: 1 })).toMatchObject([{ state: 'delivered' }])
    })

    test('waits while its channel is off, and dies when that goes, or when nobody wants it any more', async () => {
      const [off, gone] = [await channel(), await channel()]
      await data.notices.raise(notice())
      await data.channels.turnOff(off)
      await data.deliveries.abandon(gone, 'channel_removed')
      expect(await claimAll()).toEqual([])
      await data.channels.activate(off)
      expect(await claimAll()).toMatchObject([{ channelId: off }])
      expect(await data.deliveries.expire(new Date(0), 'too_old')).toBe(0)
      expect(await data.deliveries.expire(new Date(Date.now() + 60_000), 'too_old')).toBe(1)
      expect(await data.deliveries.find({ channelId: off, limit: 1 })).toMatchObject([
        { state: 'dead', problem: 'too_old' },
      ])
    })
  })

  describe('a channel', () => {
    test('is activated only while its present settings are the ones that were tested', async () => {
      const id = await channel({ state: 'draft', testedAt: null })
      const tested = await data.channels.byId(id)
      if (!tested) throw new Error('no channel')
      expect(await data.channels.activate(id)).toBeUndefined()
      expect(await data.channels.passed(tested, new Date())).toBe(true)
      expect(await data.channels.activate(id)).toMatchObject({ state: 'active' })
      const settings = { url: 'https://example.org' }
      expect(await data.channels.resettle(id, { settings, secrets: 'sealed' })).toMatchObject({
        state: 'draft',
        testedAt: null,
        settings,
      })
      expect(await data.channels.passed(tested, new Date())).toBe(false)
      expect(await data.channels.passed({ id, settings, secrets: 'others' }, new Date())).toBe(false)
      expect(await data.channels.activate(id)).toBeUndefined()
      expect(await data.channels.passed({ id, settings, secrets: 'sealed' }, new Date())).toBe(true)
    })

    test('changes only in what is said, and keeps its row but no secret when it is removed', async () => {
      const id = await channel()
      expect(
        await data.channels.change(id, { name: 'night', kinds: undefined, teams: ['team_1'] }),
      ).toMatchObject({
        name: 'night',
        kinds: null,
        teams: ['team_1'],
        state: 'active',
      })
      expect(await data.channels.change(id, {})).toMatchObject({ name: 'night' })
      expect((await data.channels.list({ limit: 10 })).map((each) => each.id)).toEqual([id])
      expect(await data.channels.list({ after: id, limit: 10 })).toEqual([])
      expect(await data.channels.count()).toBe(1)
      expect(await data.channels.remove(id, new Date())).toMatchObject({ secrets: null })
      expect(await data.channels.remove(id, new Date())).toBeUndefined()
      expect(await data.channels.byId(id)).toBeUndefined()
      expect(await data.channels.byIds([id])).toEqual([])
      expect(await data.channels.count()).toBe(0)
    })
  })

  describe('the signs', () => {
    const DAY = 86_400_000
    const now = Date.UTC(2026, 10, 20, 12)

    async function key(name: string, lived: number, left: number, more: object = {}) {
      const { key: created } = await createKey({ data, now: () => now - lived * DAY }, { name })
      const expiresAt = new Date(now + left * DAY)
      await opened.database.execute(
        sql`update keys set expires_at = ${expiresAt.toISOString()} where id = ${created.id}`,
      )
      await data.keys.change(created.id, more)
      return created.id
    }

    test('name keys seven days and one day before their end, and after it, once each', async () => {
      await key('far', 30, 8)
      await key('week', 30, 7)
      await key('day', 30, 0.5)
      await key('made for three days', 0, 3)
      await key('made for three days, one left', 2, 0.9)
      await key('made for an hour', 0, 0.04)
      await key('over', 30, -0.5)
      await key('over for long', 30, -2)
      await key('disabled', 30, 0.5, { disabledAt: new Date() })
      const found = await data.signs.expiringKeys(new Date(now), 100)
      expect(found.map(({ name, stage }) => [name, stage]).toSorted()).toEqual([
        ['day', '1d'],
        ['made for three days, one left', '1d'],
        ['over', 'expired'],
        ['week', '7d'],
      ])
      const week = found.find(({ name }) => name === 'week')
      expect(week?.subject).toBe(`key_expiring:${week?.id}:7d:2026-11-27T12:00:00Z`)
      expect(week?.expiresAt).toEqual(new Date(now + 7 * DAY))
      for (const { subject } of found) await data.notices.raise(notice({ subject }))
      expect(await data.signs.expiringKeys(new Date(now), 100)).toEqual([])
      const later = await data.signs.expiringKeys(new Date(now + 6.5 * DAY), 100)
      expect(later.map(({ name, stage }) => [name, stage])).toContainEqual(['week', '1d'])
    })

    test('count the rows that came into quarantine', async () => {
      await opened.database.execute(
        sql`insert into quarantine (id, "row", code, at) values ('req_1', '{}', '22P05', now()), ('req_2', '{}', '22P05', now() - interval '1 hour')`,
      )
      expect(await data.signs.quarantined(new Date(Date.now() - 60_000))).toBe(1)
      expect(await data.signs.quarantined(new Date(0))).toBe(2)
    })

    test('count what failed by whose fault it was, and what has no price', async () => {
      const row = rowMaker()
      const at = new Date(now)
      const ended = (status: 'succeeded' | 'refused' | 'failed_midstream' | 'lost', errorType?: string) =>
        row({ status, startedAt: at, costNano: 0, errorType: errorType ?? null })
      const rows = [
        ended('succeeded'),
        ended('failed_midstream'),
        ended('lost'),
        ended('refused', 'overloaded_error'),
        ended('refused', 'invalid_request_error'),
        ended('refused', 'billing_error'),
        row({ startedAt: at }),
        row({ status: 'succeeded', startedAt: new Date(now - 1), costNano: 0 }),
        row({
          status: 'succeeded',
          startedAt: at,
          upstream: 'second',
          modelId: 'new',
          inputTokens: 5,
          outputTokens: 2,
        }),
      ]
      for (const each of rows) await data.ledger.write(each)
      const outcomes = await data.signs.outcomes(at)
      expect(outcomes.toSorted((a, b) => b.requests - a.requests)).toEqual([
        { upstream: 'default', requests: 6, failures: 3 },
        { upstream: 'second', requests: 1, failures: 0 },
      ])
      expect(await data.signs.unpriced(new Date(Date.now() - 60_000), 10)).toEqual([
        { provider: 'bedrock', modelId: 'new', requests: 1, tokens: 7 },
      ])
      expect(await data.signs.unpriced(new Date(Date.now() + 60_000), 10)).toEqual([])
    })
  })
}
