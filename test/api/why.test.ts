/**
 * Why a call ran where it ran: on its row for every way that a call can end, over a real database; and told to whom it
 * belongs, with nothing but the key.
 */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { app } from '../../src/app.ts'
import type { OpenDatabase } from '../../src/data/database.ts'
import type { LedgerRow } from '../../src/data/rows.ts'
import type { Trail } from '../../src/data/tables/trail.ts'
import { newBreakers } from '../../src/gateway/routing/breaker.ts'
import { pinnedEgress } from '../../src/host/egress.ts'
import { newId } from '../../src/protocol/ids.ts'
import { sendBy } from '../../src/protocol/send.ts'
import { inMemory } from '../data/databases.ts'
import { rowMaker } from '../data/rows.ts'
import { type FakeBedrock, startFakeBedrock } from '../fakes/bedrock.ts'
import { refuseWith } from '../fakes/steps.ts'
import { addUpstream, atFake } from '../upstreamrows.ts'
import { eventually } from '../whole/eventually.ts'
import { peopleOn, replicaOn, type Stage } from './people.ts'

let opened: OpenDatabase
let [first, second]: FakeBedrock[] = []
let stage: Stage
let key: string
const SECOND = 'upstream_0000000000000000000000000000000b'

beforeAll(async () => {
  opened = await inMemory()
  const fakes = [await startFakeBedrock(), await startFakeBedrock()] as const
  ;[first, second] = fakes
  const runtime = replicaOn(opened, {
    fetch: sendBy(fetch),
    now: Date.now,
    egress: pinnedEgress({ loopback: true }),
    credentials: { get: async () => fakes[0].credentials, reject() {} },
    env: {
      AWS_ENDPOINT_URL_BEDROCK_RUNTIME: fakes[0].url,
      AWS_ENDPOINT_URL_BEDROCK: fakes[0].url,
      EGRESS_ALLOW_LOOPBACK: 'true',
    },
  })
  await runtime.data.settings.put('routing', { strategy: 'priority', patience: 0 })
  await runtime.data.upstreams.create(
    await addUpstream(runtime, atFake(fakes[1], SECOND, { name: 'the other', priority: 10 })),
  )
  stage = await peopleOn(runtime)
  key = (await stage.makeKey('member')).key
}, 60_000)
afterAll(async () => {
  await first?.close()
  await second?.close()
  await opened.close()
})
beforeEach(() => {
  first?.reset()
  second?.reset()
  // What calls of the test before made of the upstreams is not this one's to see.
  Object.assign(stage.runtime.steering, { breakers: { ...newBreakers() } })
})

interface Asked {
  stream?: boolean
  words?: string
  headers?: Record<string, string>
  signal?: AbortSignal
  secret?: string
}

async function call({ stream = true, words = '!say hello', headers, signal, secret = key }: Asked = {}) {
  const body = JSON.stringify({
    model: 'claude-opus-5-5',
    max_tokens: 100,
    stream,
    messages: [{ role: 'user', content: words }],
  })
  const sent = {
    method: 'POST',
    headers: { 'x-api-key': secret, ...headers },
    body,
    ...(signal ? { signal } : {}),
  }
  return app.request('/v1/messages', sent, stage.runtime)
}

/** Its row, when it has come to this. */
function rowOf(
  response: Response,
  isRight: (row: LedgerRow) => boolean = ({ status }) => status !== 'pending',
) {
  const id = response.headers.get('request-id') ?? ''
  return rowWith(id, isRight)
}

function rowWith(id: string, isRight: (row: LedgerRow) => boolean) {
  return eventually(async () => {
    const row = await stage.runtime.data.ledger.byId(id)
    return row && isRight(row) ? row : undefined
  })
}

const did = ({ trail }: { trail: Trail | null }) => trail?.steps.map(({ did }) => did).join(' ')
const story = async (id: string) =>
  (await stage.askWith(key, 'GET', `/v1/requests/${id}`)).body['story'] as string[]

describe('on the row there is', () => {
  test('of a call that the first upstream answered: where else it might have gone', async () => {
    const response = await call()
    await response.text()
    const row = await rowOf(response)
    expect(row).toMatchObject({ status: 'succeeded', upstream: 'default', attempts: 1 })
    expect(row.trail).toMatchObject({
      strategy: 'priority',
      candidates: [{ upstream: 'default' }, { upstream: SECOND }],
      reach: ['us', 'us-east-1'],
    })
    expect(did(row)).toBe('sent')
  })

  test('of one that went elsewhere: what failed there, and how', async () => {
    first?.script(refuseWith('ServiceUnavailableException'))
    const response = await call()
    expect(response.status).toBe(200)
    await response.text()
    const row = await rowOf(response)
    expect(row).toMatchObject({ status: 'succeeded', upstream: SECOND, attempts: 2 })
    expect(did(row)).toBe('sent failed sent')
    const told = await story(row.id)
    expect(told).toContainEqual(
      expect.stringMatching(/^At \d+ ms 'default' said that it had too much to do \(overloaded_error\)\.$/),
    )
    expect(told).toContainEqual(
      expect.stringMatching(/^It ran at 'the other' \(bedrock, us-east-1\) as 'us\.anthropic/),
    )
    expect(told.at(-1)).toMatch(
      /^It cost \$0\.\d+\. The price of 'claude-opus-5-5' is \$[\d.]+ a million in and \$[\d.]+ out, times 110 % for staying within 'us', as shipped/,
    )
  })

  test('of one that every upstream refused', async () => {
    first?.script(refuseWith('ServiceUnavailableException'))
    second?.script(refuseWith('InternalServerException'))
    const response = await call()
    expect(response.status).toBe(529)
    const row = await rowOf(response)
    expect(row).toMatchObject({ status: 'refused', costNano: 0 })
    expect(did(row)).toBe('sent failed sent failed')
    expect(await story(row.id)).toContain('It cost nothing.')
  })

  test('of one that broke off midstream', async () => {
    first?.script({
      kind: 'cut',
      events: 4,
      reply: { content: [{ type: 'text', text: 'one two three four five six' }] },
    })
    const response = await call()
    await response.text()
    const row = await rowOf(response)
    expect(row).toMatchObject({ status: 'failed_midstream', upstream: 'default' })
    expect(did(row)).toBe('sent')
    expect((await story(row.id)).join(' ')).toContain(
      'once there is content, no other upstream can go on with it',
    )
  })

  test('of one whose client hung up', async () => {
    first?.script({
      kind: 'stall',
      at: 4,
      reply: { content: [{ type: 'text', text: 'one two three four five six' }] },
    })
    const response = await call()
    const reader = response.body?.getReader()
    await reader?.read()
    await reader?.cancel()
    const row = await rowOf(response)
    expect(row).toMatchObject({ status: 'cancelled', trail: { strategy: 'priority' } })
    expect(await story(row.id)).toContainEqual(expect.stringMatching(/^The client hung up after /))
  })

  test('of one whose process dies in the middle: where it was last, and how it came there', async () => {
    first?.script(refuseWith('ServiceUnavailableException'))
    second?.script({ kind: 'stall', at: 'before headers' })
    const client = new AbortController()
    const asked = call({ signal: client.signal }).catch(() => {})
    const row = await eventually(async () => {
      const owners = { all: true, teams: [], userId: undefined }
      const [latest] = await stage.runtime.data.ledger.find({
        owners,
        status: 'pending',
        upstream: SECOND,
        limit: 1,
      })
      return latest
    })
    expect(row).toMatchObject({ status: 'pending', attempts: 2 })
    expect(did(row)).toBe('sent failed sent')
    // What the next process does with the rows that nobody will end.
    await stage.runtime.data.ledger.closeLost(new Date(Date.now() + 1_000))
    expect((await story(row.id)).join(' ')).toContain('Its gateway was killed before it ended')
    client.abort()
    await asked
  })

  test('of one that the upstream took only without something: what, and that it was asked again', async () => {
    const response = await call({ headers: { 'anthropic-beta': 'brand-new-2026-12-01' } })
    await response.text()
    expect(response.headers.get('x-outcrop-removed')).toBe('brand-new-2026-12-01')
    const row = await rowOf(response)
    expect(did(row)).toBe('sent retried sent')
    expect(await story(row.id)).toContain(
      "The upstream was not sent what it does not take: 'brand-new-2026-12-01'.",
    )
  })

  test('of one that a budget refused: where it would have gone, and that nobody was asked', async () => {
    const made = await stage.makeKey('member')
    await stage.make('/admin/budgets', { scope: 'key', subject: made.id, window: 'day', cap_nano: 0 })
    const response = await call({ secret: made.key })
    expect(response.status).toBe(429)
    const row = await rowOf(response)
    expect(row).toMatchObject({ status: 'refused', budgetAction: 'block', attempts: 0 })
    expect(row.trail).toMatchObject({
      steps: [],
      candidates: [{ upstream: 'default' }, { upstream: SECOND }],
    })
    // The key has nothing left to spend, and may ask why all the same.
    const { status, body } = await stage.askWith(made.key, 'GET', `/v1/requests/${row.id}`)
    expect(status).toBe(200)
    expect(body['story']).toContainEqual(
      expect.stringContaining('is spent and refused it: no upstream was asked'),
    )
  })

  test('whatever a client calls its model and its session', async () => {
    const row = rowMaker()({
      keyId: (await keyOf()).id,
      status: 'succeeded',
      model: 'a\0b\ud800',
      trail: {
        strategy: 'sticky',
        bound: 'a\0b\ud800',
        candidates: [{ upstream: 'default', reason: 'no_model', detail: '\udfff\0\n' }],
        steps: [{ did: 'retried', at: 1, upstream: 'default', without: ['\ud83d', 'a\0'] }],
        removed: ['\u0000', '"}]', '\\u0000'],
      },
    })
    await stage.runtime.data.ledger.write(row)
    const stored = await rowWith(row.id, () => true)
    expect(stored.trail).toMatchObject({ bound: 'a\ufffdb\ufffd', removed: ['\ufffd', '"}]', '\\u0000'] })
    expect((await story(row.id)).join('\n')).toContain('asked again without that')
  })
})

/** What the key of these tests is called. */
async function keyOf() {
  const { body } = await stage.ask('root', 'GET', '/admin/keys?limit=1000')
  return body.data.find(({ hint }) => key.startsWith(String(hint))) as { id: string }
}

describe('with nothing but a key', () => {
  const own = rowMaker()
  let ids: Record<'own' | 'sibling' | 'others' | 'nobodys', string>
  let keys: { member: string; sibling: string; other: string; nobodys: string }
  beforeAll(async () => {
    const [member, sibling, other] = [
      await stage.makeKey('member'),
      await stage.makeKey('member'),
      await stage.makeKey('otherMember'),
    ]
    const nobodys = await stage.make('/admin/keys', { name: 'CI' })
    const { users, teams } = stage
    const rows = {
      own: own({ keyId: member.id, userId: users.member, teamId: teams.theirs }),
      sibling: own({ keyId: sibling.id, userId: users.member, teamId: teams.theirs }),
      others: own({ keyId: other.id, userId: users.otherMember, teamId: teams.other }),
      nobodys: own({ keyId: nobodys.id, userId: null, teamId: null }),
    }
    for (const row of Object.values(rows)) await stage.runtime.data.ledger.write({ ...row, ...REVEALING })
    ids = Object.fromEntries(Object.entries(rows).map(([name, { id }]) => [name, id])) as typeof ids
    keys = { member: member.key, sibling: sibling.key, other: other.key, nobodys: String(nobodys['key']) }
  })

  const ask = (secret: string | undefined, id: string) => stage.askWith(secret, 'GET', `/v1/requests/${id}`)

  test.each([
    ['member', ['own', 'sibling']],
    ['sibling', ['own', 'sibling']],
    ['other', ['others']],
    ['nobodys', ['nobodys']],
  ] as const)('%s reads %j', async (who, readable) => {
    for (const [name, id] of Object.entries(ids)) {
      const isReadable = (readable as readonly string[]).includes(name)
      expect((await ask(keys[who], id)).status, name).toBe(isReadable ? 200 : 404)
    }
  })

  test("another's request is refused in the words of one that is not there", async () => {
    const unknown = newId('req', Date.now())
    const [theirs, none] = [await ask(keys.other, ids.own), await ask(keys.other, unknown)]
    const sentence = ({ body }: typeof theirs) => body.error.message.replaceAll(/req_\w+/g, 'it')
    expect(sentence(theirs)).toBe(sentence(none))
    expect(theirs.body.error.type).toBe('not_found_error')
  })

  test.each(['req_1', `req_${'0'.repeat(32)}%00`, '%2e%2e', 'req_' + "' or 1=1"])(
    'there is no %s',
    async (id) => {
      expect((await ask(keys.member, encodeURI(id))).status).toBe(404)
    },
  )

  test.each([
    [undefined, 401],
    ['not a key', 401],
  ])('%s is no key', async (secret, status) => {
    expect((await ask(secret, ids.own)).status).toBe(status)
  })

  test('the sentences alone, for whoever asks for text; and by the door that Anthropic has on Bedrock', async () => {
    const headers = { 'x-api-key': keys.member, accept: 'text/plain' }
    const answer = await app.request(`/anthropic/v1/requests/${ids.own}`, { headers }, stage.runtime)
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain/)
    expect(await answer.text()).toMatch(/^A call for the model 'm' came in at .*\n(.*\.\n)+$/)
  })

  test('what is wrong with accounts, and their numbers, are for admins', async () => {
    const mine = await ask(keys.member, ids.own)
    expect(mine.text).not.toMatch(/123456789012|AccessDenied/)
    expect(mine.text).toContain("'other' was left out: it is not healthy.")
    const asMember = await stage.ask('member', 'GET', `/admin/requests/${ids.own}`)
    const asLead = await stage.ask('lead', 'GET', `/admin/requests/${ids.own}`)
    const listed = await stage.ask('member', 'GET', '/admin/requests')
    for (const { status, text } of [asMember, asLead, listed]) {
      expect(status).toBe(200)
      expect(text).not.toMatch(/123456789012|AccessDenied/)
    }
    const asAdmin = await stage.ask('admin', 'GET', `/admin/requests/${ids.own}`)
    expect(asAdmin.text).toContain('123456789012')
    expect(asAdmin.body['story']).toContain(
      "'other' was left out: it is not healthy (AccessDenied in 123456789012).",
    )
  })
})

/** A row that says more than everybody is to know. */
const PROFILE = 'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc'
const REVEALING: Partial<LedgerRow> = {
  status: 'succeeded',
  modelId: PROFILE,
  trail: {
    strategy: 'sticky',
    candidates: [
      { upstream: 'default' },
      { upstream: 'other', reason: 'unhealthy', detail: 'AccessDenied in 123456789012' },
      { upstream: 'third', reason: 'no_model', detail: `there is no ${PROFILE}` },
    ],
    steps: [{ did: 'sent', at: 1, upstream: 'default', modelId: PROFILE, region: 'us-east-1' }],
  },
}
