/**
 * A gateway whose upstream is a role in another account, set up while it runs: every caller has a session with tags of
 * their own, keys that live for seconds are renewed under load, and no secret is in what the process writes.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FakeBedrock, startFakeBedrock } from '../fakes/bedrock.ts'
import { type FakeSts, startFakeSts } from '../fakes/sts.ts'
import { ask, hello } from './caller.ts'
import { eventually } from './eventually.ts'
import { type Gateway, startGateway } from './gateway.ts'

const GATEWAY = 'arn:aws:iam::111111111111:role/gateway'
const ROLE = 'arn:aws:iam::222222222222:role/outcrop'
const OWN = { accessKeyId: 'AKIAGATEWAYEXAMPLE00', secretAccessKey: 'canary-of-the-gateway/0123456789' }
const EXTERNAL_ID = 'an-id-of-4711'
const LIVES = 3_000

let sts: FakeSts
let here: FakeBedrock
let there: FakeBedrock
let gateway: Gateway
let upstream: string
beforeAll(async () => {
  const roles = [{ arn: ROLE, trusts: [GATEWAY], externalId: EXTERNAL_ID }]
  sts = await startFakeSts({ region: 'eu-west-1', identities: { [GATEWAY]: OWN }, roles, lives: LIVES })
  here = await startFakeBedrock({ credentials: OWN })
  there = await startFakeBedrock({ region: 'eu-west-1', issued: sts.issued })
  const env = { AWS_ENDPOINT_URL_STS: sts.url, EGRESS_ALLOW_LOOPBACK: 'true' }
  gateway = await startGateway({ bedrock: here, env })
  const settings = {
    credentials: 'role',
    roleArn: ROLE,
    externalId: EXTERNAL_ID,
    sessionTags: 'key, cost-centre=4711',
    endpoint: there.url,
    controlEndpoint: there.url,
  }
  const wish = { kind: 'bedrock', name: 'Ireland', region: 'eu-west-1', settings }
  const made = await gateway.admin('POST', '/upstreams', wish)
  expect(made.status).toBe(201)
  upstream = ((await made.json()) as { id: string }).id
  expect((await gateway.admin('PATCH', '/upstreams/default', { enabled: false })).status).toBe(200)
})
afterAll(async () => {
  await gateway.clear()
  await Promise.all([sts.close(), here.close(), there.close()])
})

test('calls go there at once, in sessions that say whose they are', async () => {
  const keys = [await gateway.makeKey({ name: 'ann' }), await gateway.makeKey({ name: 'bob' })]
  for (const { id, key } of keys) {
    const response = await ask(gateway, hello(), { 'x-api-key': key })
    expect([response.status, await response.json()]).toMatchObject([200, { type: 'message' }])
    const [, accessKey = ''] =
      /Credential=([^/]+)\//.exec(there.seen.at(-1)?.headers.authorization ?? '') ?? []
    expect(sts.issued(accessKey)?.tags).toEqual({ key: id, 'cost-centre': '4711' })
    expect(await gateway.settled(1, { key: id })).toMatchObject([{ upstream, region: 'eu-west-1' }])
  }
  expect(here.seen).toEqual([])
})

test('keys that live for three seconds are renewed under load, and no request fails', {
  timeout: 60_000,
}, async () => {
  const { key } = await gateway.makeKey()
  const headers = { 'x-api-key': key }
  await (await ask(gateway, hello(), headers)).text()
  const before = { asked: sts.asked.length, refused: refusals() }
  // Slow, and every third time away.
  sts.behave((_, number) => ({
    delay: 200,
    ...(number % 3 === 0 ? { refuse: { status: 503, code: 'ServiceUnavailable' } } : {}),
  }))
  const until = Date.now() + 5 * LIVES
  const statuses: number[] = []
  const clients = Array.from({ length: 4 }, async () => {
    while (Date.now() < until) {
      const response = await ask(gateway, hello(), headers)
      await response.text()
      statuses.push(response.status)
      await sleep(40)
    }
  })
  await Promise.all(clients)
  sts.behave(() => undefined)
  expect(statuses.filter((status) => status !== 200)).toEqual([])
  expect(statuses.length).toBeGreaterThan(200)
  expect(refusals()).toBe(before.refused)
  expect(sts.asked.length - before.asked).toBeGreaterThanOrEqual(5)
})

function refusals(): number {
  return there.seen.filter(({ outcome }) => outcome === 'refused').length
}

test('what cannot be had is told of in full to the operator alone', async () => {
  const { key } = await gateway.makeKey()
  const settings = { credentials: 'role', roleArn: ROLE, externalId: 'another', endpoint: there.url }
  await gateway.admin('PATCH', `/upstreams/${upstream}`, { settings })
  const response = await ask(gateway, hello(), { 'x-api-key': key })
  const text = await response.text()
  expect([response.status, text]).toEqual([500, expect.stringContaining('Your key is fine')])
  expect(text).not.toContain('222222222222')
  await eventually(() => (gateway.stdout().includes('with the same external id') ? true : undefined))
})

test('no secret is in what the process writes', () => {
  const written = gateway.stdout() + gateway.stderr()
  const [issued] = sts.asked.filter(({ refusal }) => refusal === '')
  expect(issued).toBeDefined()
  for (const secret of [OWN.secretAccessKey, 'secret-of-session', 'token-of-session']) {
    expect(written).not.toContain(secret)
  }
})
