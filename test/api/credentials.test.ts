/** Credentials that are forged, mutated, or carried in another way than they should be: none opens anything. */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { app } from '../../src/app.ts'
import type { OpenDatabase } from '../../src/data/database.ts'
import { hashOf, newSecret } from '../../src/protocol/keys.ts'
import { inMemory } from '../data/databases.ts'
import { ADMIN_TOKEN } from '../runtime.ts'
import { peopleOn, replicaOn, type Stage } from './people.ts'

const HOW_MANY = 1_500

let database: OpenDatabase
let stage: Stage
/** Each of them opens its own door. */
let good: string[]
beforeAll(async () => {
  database = await inMemory()
  stage = await peopleOn(replicaOn(database))
  const { llmKey, admin } = stage.secrets
  good = [llmKey ?? '', admin ?? '', ADMIN_TOKEN]
})
afterAll(() => database.close())

const CHARACTERS = '0123456789ABCXYZabcxyz_-.~+/='.split('')

/** What may be done to a secret; what comes out is another one. */
const mutation = fc.oneof(
  fc.record({ at: fc.nat(42), by: fc.constantFrom(...CHARACTERS) }).map(({ at, by }) => (secret: string) => {
    const place = at % secret.length
    return secret.slice(0, place) + by + secret.slice(place + 1)
  }),
  fc.nat(41).map((length) => (secret: string) => secret.slice(0, length)),
  fc.string({ minLength: 1, maxLength: 40 }).map((more) => (secret: string) => secret + more),
  fc.string({ minLength: 1, maxLength: 10 }).map((more) => (secret: string) => more + secret),
  fc.constantFrom(
    (secret: string) => secret.toUpperCase(),
    (secret: string) => secret.toLowerCase(),
    (secret: string) => secret.split('').toReversed().join(''),
    (secret: string) => secret.replace(/^oc_/, 'oct_'),
    (secret: string) => secret.replace(/^oct_/, 'oc_'),
    (secret: string) => secret.replace(/^oct?_/, ''),
    (secret: string) => encodeURIComponent(`${secret}\0`),
    (secret: string) => `${secret}' or '1'='1`,
    (secret: string) => `${secret},${secret}`,
    (secret: string) => btoa(secret),
  ),
)

const forged = fc.oneof(
  fc.record({ of: fc.nat(2), mutation }).map(({ of, mutation: mutate }) => mutate(good[of] ?? '')),
  fc.string({ maxLength: 300 }),
  fc.constant(null).map(() => newSecret('oc')),
  fc.constant(null).map(() => newSecret('oct')),
  fc.constantFrom('', 'undefined', 'null', 'true', '*', '%', 'root', 'admin', `oc_${'0'.repeat(38)}`),
)

/** Ways to carry it; `authorization` with another scheme, or in the wrong place, is no credential at all. */
const CARRIED: ((secret: string) => Record<string, string>)[] = [
  (secret) => ({ authorization: `Bearer ${secret}` }),
  (secret) => ({ 'x-api-key': secret }),
  (secret) => ({ authorization: `Bearer ${secret}`, 'x-api-key': secret }),
  (secret) => ({ authorization: secret }),
  (secret) => ({ authorization: `Basic ${secret}` }),
  (secret) => ({ cookie: `token=${secret}; session=${secret}` }),
  (secret) => ({
    'x-forwarded-for': '127.0.0.1',
    'x-forwarded-user': 'root',
    authorization: `Bearer ${secret}`,
  }),
  (secret) => ({ host: 'localhost', 'proxy-authorization': `Bearer ${secret}` }),
]

const DOORS = [
  ['GET', '/v1/models'],
  ['POST', '/v1/messages'],
  ['POST', '/anthropic/v1/messages/count_tokens'],
  ['POST', '/model/us.anthropic.claude-opus-5/invoke'],
  ['GET', '/admin/keys'],
  ['POST', '/admin/users'],
  ['GET', '/admin/audit/export'],
  ['PUT', '/admin/search'],
  ['GET', '/metrics'],
] as const

async function tried([method, path]: readonly [string, string], headers: Record<string, string>) {
  let sent: Headers
  try {
    sent = new Headers(headers)
  } catch {
    return undefined // no server lets it through
  }
  const body = method === 'GET' || method === 'HEAD' ? {} : { body: '{}' }
  const response = await app.request(path, { method, headers: sent, ...body }, stage.runtime)
  return { status: response.status, text: await response.text() }
}

test(`of ${HOW_MANY} that are forged or mutated, none is answered with anything but 401`, async () => {
  const samples = fc.sample(
    fc.record({ secret: forged, carried: fc.constantFrom(...CARRIED), door: fc.constantFrom(...DOORS) }),
    { numRuns: HOW_MANY, seed: 20_261_120 },
  )
  let sent = 0
  for (const { secret, carried, door } of samples) {
    if (good.includes(secret.trim())) continue
    const answer = await tried(door, carried(secret))
    if (!answer) continue
    sent++
    expect(answer.status, `${door.join(' ')} ${JSON.stringify(carried(secret))}`).toBe(401)
    if (secret.length > 20) expect(answer.text).not.toContain(secret)
  }
  expect(sent).toBeGreaterThan(1_000)
})

test('what is stored of a secret, and what is shown of it, opens nothing', async () => {
  for (const secret of good) {
    for (const derived of [await hashOf(secret), secret.slice(0, 9), secret.slice(0, 10)]) {
      for (const door of DOORS) {
        expect((await tried(door, { authorization: `Bearer ${derived}` }))?.status).toBe(401)
      }
    }
  }
  const listed = (await stage.ask('root', 'GET', '/admin/keys')).body.data
  for (const door of DOORS)
    expect((await tried(door, { 'x-api-key': String(listed[0]?.['id']) }))?.status).toBe(401)
})

test('a good one opens its own doors, however it is carried there, and no other', async () => {
  for (const [secret, own] of [
    [good[0], /^\/(v1|anthropic|model)/],
    [good[1], /^\/(admin|metrics)/],
    [good[2], /^\/(admin|metrics)/],
  ] as const) {
    for (const door of DOORS) {
      const answer = await tried(door, { authorization: `Bearer ${secret}` })
      expect(answer?.status === 401, `${door.join(' ')}: ${answer?.text}`).toBe(!own.test(door[1]))
    }
  }
})

test('however its path is spelled, nothing of the admin API is answered to nobody, or to a key', async () => {
  const spelled = [
    '/admin',
    '/%61dmin',
    '/admin/.',
    '/admin//',
    '/ADMIN',
    '/admin;a=b',
    '/v1/../admin',
    '//admin',
    '/admin%2f',
  ]
  const behind = [
    '/keys',
    '/keys/',
    '/k%65ys',
    '/keys?x=/admin/openapi.json',
    '/keys#',
    '/openapi.json/../keys',
    '/openapi.json%2f..%2fkeys',
  ]
  const statuses = new Set<number>()
  for (const path of spelled.flatMap((door) => behind.map((rest) => door + rest))) {
    for (const headers of [{}, { authorization: `Bearer ${good[0]}` }] as Record<string, string>[]) {
      for (const method of ['GET', 'POST', 'HEAD', 'PATCH']) {
        const answer = await tried([method, path], headers)
        statuses.add(answer?.status ?? 0)
        expect(answer?.text).not.toContain('"data"')
      }
    }
  }
  expect([...statuses].toSorted()).toEqual([401, 404])
})
