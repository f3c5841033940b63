/** The audit log: every change is in it, and what was done to it afterwards shows. */
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { admin } from '../../src/api/admin.ts'
import { hashOfEntry } from '../../src/data/audit.ts'
import { dataIn } from '../../src/data/data.ts'
import type { OpenDatabase } from '../../src/data/database.ts'
import { inMemory } from '../data/databases.ts'
import { peopleOn, replicaOn, type Stage } from './people.ts'

let opened: OpenDatabase
let stage: Stage
beforeAll(async () => {
  opened = await inMemory()
  stage = await peopleOn(replicaOn(opened, { clientAddress: '192.0.2.7' }))
})
afterAll(() => opened.close())

const newest = async (filter = '') =>
  (await stage.ask('auditor', 'GET', `/admin/audit?limit=1${filter}`)).body.data[0]
const verdict = async (query = '') => (await stage.ask('auditor', 'GET', `/admin/audit/verify${query}`)).body

describe('an entry', () => {
  test('says who changed what, from what to what, from where, and in which request', async () => {
    const { id } = await stage.makeKey('member', { name: 'before' })
    const changed = await stage.ask('member', 'PATCH', `/admin/keys/${id}`, { name: 'after' })
    expect(await newest()).toMatchObject({
      action: 'key.change',
      target: `key:${id}`,
      actor: expect.stringMatching(/^token:token_/),
      actor_name: 'member (test)',
      before: { name: 'before', user_id: stage.users.member },
      after: changed.body,
      address: '192.0.2.7',
      request_id: expect.stringMatching(/^req_/),
      break_glass: false,
    })
    await stage.ask('root', 'DELETE', `/admin/keys/${id}`)
    expect(await newest()).toMatchObject({
      action: 'key.delete',
      actor: 'root',
      break_glass: true,
      after: null,
    })
  })

  test('of a rotation tells the secrets apart, and holds neither', async () => {
    const { id, key } = await stage.makeKey('member')
    const rotated = await stage.ask('member', 'POST', `/admin/keys/${id}/rotate`, { grace_seconds: 60 })
    const secret = String(rotated.body['key'])
    const entry = await newest()
    expect(entry).toMatchObject({
      action: 'key.rotate',
      before: { hint: key.slice(0, 9), previous: null },
      after: { hint: secret.slice(0, 9), previous: { hint: key.slice(0, 9) } },
    })
    expect(JSON.stringify(entry)).not.toContain(key)
    expect(JSON.stringify(entry)).not.toContain(secret)
  })

  test('is there for every kind of change; what was refused leaves none', async () => {
    const { ask, users, teams } = stage
    const { id: keyId } = await stage.makeKey('member')
    const place = { place: 'bedrock/invoke/us-east-1/m', kind: 'beta', name: 'x' }
    const actions: string[] = []
    for (const [method, path, body] of [
      ['PATCH', `/admin/users/${users.member}`, { name: 'member' }],
      ['PUT', `/admin/teams/${teams.theirs}/members/${users.member}`, {}],
      ['PATCH', `/admin/teams/${teams.theirs}`, {}],
      ['PUT', '/admin/capabilities', { ...place, verdict: 'refused' }],
      ['DELETE', `/admin/capabilities?${new URLSearchParams(place)}`, undefined],
      [
        'PUT',
        '/admin/search',
        { mode: 'all', engine: 'tavily', settings: { apiKey: 'tvly-a-secret-of-theirs' } },
      ],
      ['PUT', `/admin/search/keys/${keyId}`, { engine: 'duckduckgo' }],
      ['DELETE', `/admin/search/keys/${keyId}`, undefined],
    ] as const) {
      const answer = await ask('admin', method, path, body)
      expect(answer.status, answer.text).toBeLessThan(300)
      const entry = await newest()
      actions.push(String(entry?.['action']))
      expect(JSON.stringify(entry)).not.toContain('tvly-a-secret')
    }
    expect(actions).toEqual([
      'user.change',
      'member.change',
      'team.change',
      'capability.pin',
      'capability.forget',
      'search.change',
      'search.change',
      'search.change',
    ])
    const before = await newest()
    expect((await ask('member', 'PATCH', `/admin/users/${users.member}`, { role: 'admin' })).status).toBe(403)
    expect((await ask('admin', 'POST', '/admin/keys', { name: 'x', user_id: 'user_none' })).status).toBe(404)
    expect(await newest()).toEqual(before)
  })

  test('and its change are made together: where one cannot be written, the other is not', async () => {
    const { runtime, ask, teams } = stage
    await opened.database.execute(sql`alter table audit add constraint full_up check (number < 0) not valid`)
    const answer = await ask('admin', 'PATCH', `/admin/teams/${teams.other}`, { name: 'unheard of' })
    await opened.database.execute(sql`alter table audit drop constraint full_up`)
    expect(answer.status).toBe(500)
    expect(answer.text).not.toContain('unheard of')
    expect((await runtime.data.teams.byId(teams.other))?.name).not.toBe('unheard of')
  })

  test('goes to the log with its hash, which bears witness elsewhere', async () => {
    await stage.makeKey('member')
    const entry = await newest()
    const line = stage.runtime.lines.findLast(({ message }) => message === 'audit')
    expect(line?.fields).toMatchObject({ number: entry?.['number'], hash: entry?.['hash'], actor: 'root' })
  })
})

describe('entries', () => {
  test('are found by actor, target, action and time, and listed a page at a time', async () => {
    const { id } = await stage.makeKey('lead')
    await stage.ask('lead', 'PATCH', `/admin/keys/${id}`, { disabled: true })
    const found = async (query: string) =>
      (await stage.ask('auditor', 'GET', `/admin/audit?${query}`)).body.data.map(({ action }) => action)
    expect(await found(`target=key:${id}`)).toEqual(['key.change', 'key.create'])
    expect(await found(`target=key:${id}&actor=root`)).toEqual(['key.create'])
    expect(await found(`target=key:${id}&action=key.change`)).toEqual(['key.change'])
    expect(await found(`target=key:${id}&action=ke`)).toEqual([])
    expect(await found(`target=key:${id}&to=2020-01-01T00:00:00Z`)).toEqual([])
    const first = await stage.ask('auditor', 'GET', `/admin/audit?limit=1&target=key:${id}`)
    const second = await stage.ask(
      'auditor',
      'GET',
      `/admin/audit?limit=1&target=key:${id}&cursor=${first.body['next']}`,
    )
    expect(second.body).toMatchObject({ data: [{ action: 'key.create' }], next: null })
  })

  test('are exported a line each, with which anybody can make the hashes again', async () => {
    const { text } = await stage.ask('auditor', 'GET', '/admin/audit/export')
    const lines = text.trimEnd().split('\n')
    expect(lines.length).toBeGreaterThan(20)
    let previous = ''
    for (const line of lines) {
      const { hash, at, ...rest } = JSON.parse(line)
      expect(await hashOfEntry(previous, { ...rest, at: new Date(at) })).toBe(hash)
      previous = hash
    }
    const rest = await stage.ask('auditor', 'GET', `/admin/audit/export?after=${lines.length - 2}&action=key`)
    expect(rest.text.trimEnd().split('\n').length).toBeLessThanOrEqual(2)
    expect(await stage.ask('auditor', 'HEAD', '/admin/audit/export')).toMatchObject({ status: 200, text: '' })
    await stage.runtime.settled()
  })

  test('are exported in pieces, however many there are, until nobody listens any more', async () => {
    const { audit } = stage.runtime.data
    const [row] = await audit.chain({ after: 0, limit: 1 })
    if (!row) throw new Error('there is no entry')
    const asked: number[] = []
    const endless = {
      ...audit,
      chain: async ({ after, limit }: { after: number; limit: number }) => {
        asked.push(after)
        return Array.from({ length: limit }, (_, index) => ({ ...row, number: after + index + 1 }))
      },
    }
    const data = { ...stage.runtime.data, audit: endless }
    const headers = { authorization: `Bearer ${stage.secrets.auditor}` }
    const response = await admin.request('/audit/export', { headers }, { ...stage.runtime, data })
    const reader = response.body?.getReader()
    for (let piece = 0; piece < 3; piece++) await reader?.read()
    expect(asked.length).toBeLessThanOrEqual(4)
    await reader?.cancel()
    await stage.runtime.settled()
    expect(asked.length).toBeLessThanOrEqual(4)
  })
})

describe('what is done to the log', () => {
  let database: OpenDatabase['database']
  let own: OpenDatabase
  beforeAll(async () => {
    own = await inMemory()
    database = own.database
  })
  afterAll(() => own.close())

  const ENTRIES = 2_100 // more than are read at once
  const data = () => dataIn(database, () => {})
  const verify = async (query = '') => {
    const runtime = replicaOn(own)
    const headers = { authorization: `Bearer ${stage.secrets.root}` }
    const response = await admin.request(`/audit/verify${query}`, { headers }, runtime)
    return response.json()
  }

  /** A thousand statements take their time: one does it. */
  beforeEach(async () => {
    await database.execute(sql`alter table audit disable trigger all`)
    await database.execute(sql`truncate audit`)
    let previous = ''
    const rows = []
    for (let number = 1; number <= ENTRIES; number++) {
      const at = new Date(1_000 * number)
      const entry = {
        number,
        at,
        actor: 'root',
        actorName: 'root',
        action: 'key.create',
        target: `key:${number}`,
        before: null,
        after: '{}',
        address: null,
        requestId: 'req',
        breakGlass: true,
      }
      previous = await hashOfEntry(previous, entry)
      rows.push({ ...entry, at: at.toISOString(), hash: previous })
    }
    await database.execute(sql`insert into audit (number, at, actor, actor_name, action, target, after, request_id, break_glass, hash)
      select number, at, actor, "actorName", action, target, after, "requestId", "breakGlass", hash
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as row(number bigint, at timestamptz, actor text, "actorName" text,
        action text, target text, after text, "requestId" text, "breakGlass" boolean, hash text)`)
  })

  test('nothing: it is intact, to the last entry', async () => {
    const last = (await data().audit.find({ limit: 1 }))[0]
    expect(await verify()).toEqual({
      intact: ENTRIES,
      last: { number: ENTRIES, hash: last?.hash },
      broken: null,
    })
    expect(await verify(`?number=${ENTRIES}&hash=${last?.hash}`)).toMatchObject({ broken: null })
  })

  test.each([
    ['an entry was changed', sql`update audit set after = '{"x":1}' where number = 1500`, 1500, 'changed'],
    ['its time was changed', sql`update audit set at = at + interval '1 ms' where number = 7`, 7, 'changed'],
    ['its actor was changed', sql`update audit set actor = 'user:x' where number = 2100`, 2100, 'changed'],
    ['an entry was taken out', sql`delete from audit where number = 1001`, 1001, 'missing'],
    ['the first was taken out', sql`delete from audit where number = 1`, 1, 'missing'],
    [
      'two changed places',
      sql`update audit set number = case number when 10 then -11 else -10 end where number in (10, 11)`,
      10,
      'changed',
    ],
    [
      'what came after was moved up',
      sql`with gone as (delete from audit where number = 2000) update audit set number = number - 10000 where number > 2000`,
      2000,
      'changed',
    ],
  ])('%s: that is found', async (_, statement, number, problem) => {
    await database.execute(statement)
    // Numbers are unique at every step: what moves goes by way of other ones.
    await database.execute(sql`update audit set number = -number where number between -100 and -1`)
    await database.execute(sql`update audit set number = number + 9999 where number < -1000`)
    expect(await verify()).toMatchObject({ intact: number - 1, broken: { number, problem } })
  })

  test('the end was cut off: whoever kept an entry of it finds that', async () => {
    const last = (await data().audit.find({ limit: 1 }))[0]
    await database.execute(sql`delete from audit where number > 2000`)
    expect(await verify()).toMatchObject({ intact: 2_000, broken: null })
    expect(await verify(`?number=${last?.number}&hash=${last?.hash}`)).toMatchObject({
      broken: { number: 2_001, problem: 'missing' },
    })
  })

  test('all of it was written anew, with hashes that fit: whoever kept an entry finds that too', async () => {
    const [kept] = await data().audit.chain({ after: 4, limit: 1 })
    let previous = ''
    for (const { hash: _, ...row } of await data().audit.chain({ after: 0, limit: 5 })) {
      const forged = { ...row, actor: 'user:innocent' }
      previous = await hashOfEntry(previous, forged)
      await database.execute(
        sql`update audit set actor = ${forged.actor}, hash = ${previous} where number = ${row.number}`,
      )
    }
    await database.execute(sql`delete from audit where number > 5`)
    expect(await verify()).toMatchObject({ intact: 5, broken: null })
    expect(await verify(`?number=5&hash=${kept?.hash}`)).toMatchObject({
      broken: { number: 5, problem: 'changed' },
    })
  })

  test('nothing of the kind is possible from where the gateway stands', async () => {
    await database.execute(sql`alter table audit enable trigger all`)
    for (const statement of [
      sql`update audit set actor = 'x'`,
      sql`delete from audit`,
      sql`truncate audit`,
    ]) {
      await expect(database.execute(statement)).rejects.toThrow()
    }
    expect(await verdict()).toMatchObject({ broken: null })
  })
})
