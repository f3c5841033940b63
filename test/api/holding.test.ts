/** A session whose upstream has no room: it waits for its cache, or goes, by what either costs. By a clock that is fast. */
import { afterAll, beforeEach, expect, test } from 'vitest'
import { rest } from '../../src/protocol/deadline.ts'
import { startFakeBedrock } from '../fakes/bedrock.ts'
import { refuseWith, type Step } from '../fakes/steps.ts'
import { addUpstream, atFake } from '../upstreamrows.ts'
import { gatewayOn, type TestGateway } from './gateway.ts'

const FAST = 40
const began = Date.now()
const now = () => began + (Date.now() - began) * FAST

const a = await startFakeBedrock()
const b = await startFakeBedrock()
afterAll(async () => void (await Promise.all([a.close(), b.close()])))
beforeEach(() => {
  a.reset()
  b.reset()
})

async function gateway(patience: number): Promise<TestGateway> {
  const made = await gatewayOn(a, {
    env: { EGRESS_ALLOW_LOOPBACK: 'true' },
    now,
    rest: (milliseconds, signal) => rest(milliseconds / FAST, signal),
  })
  await addUpstream(made.runtime, atFake(b, 'upstream_b', { priority: 1 }))
  await made.runtime.data.settings.put('routing', { strategy: 'priority', patience })
  return made
}

const throttled = (seconds: number): Step =>
  ({
    ...refuseWith('ThrottlingException'),
    headers: { 'retry-after': String(seconds) },
  }) as Step

/** A conversation of about so many tokens, all of them to be cached. */
async function ask(at: TestGateway, tokens: number) {
  const system = [{ type: 'text', text: 'word '.repeat(tokens), cache_control: { type: 'ephemeral' } }]
  const messages = [{ role: 'user', content: '!say ok' }]
  const body = { model: 'claude-opus-5', max_tokens: 500, stream: false, system, messages }
  const headers = { 'x-claude-code-session-id': 'session' }
  const response = await at.post(body, { headers })
  expect(response.status, await response.text()).toBe(200)
  await at.runtime.settled()
  const row = at.runtime.rows.at(-1)
  if (!row) throw new Error('there is no row')
  return row
}

test('a long conversation waits for its cache, and reads it', async () => {
  const at = await gateway(60_000)
  expect((await ask(at, 90_000)).cacheWrite5mTokens).toBeGreaterThan(50_000)
  a.script(throttled(12))
  const row = await ask(at, 90_000)
  expect(row).toMatchObject({ upstream: 'default', attempts: 2 })
  expect(row.cacheReadTokens).toBeGreaterThan(50_000)
  const steps = row.trail?.steps ?? []
  const weighed = steps.find((step) => step.did === 'weighed')
  const waited = steps.find((step) => step.did === 'waited')
  expect(weighed).toMatchObject({ from: 'default', to: 'upstream_b', chose: 'hold' })
  expect(weighed?.rewriteNano).toBeGreaterThan(300_000_000)
  expect(waited?.ms).toBeGreaterThan(10_000)
  expect(b.seen).toHaveLength(0)
})

test('it goes where the wait would cost more than the cache, and the row has the figures', async () => {
  const at = await gateway(60_000)
  await ask(at, 90_000)
  a.script(throttled(55))
  const row = await ask(at, 90_000)
  expect(row).toMatchObject({ upstream: 'upstream_b', attempts: 2, cacheReadTokens: 0 })
  expect(row.trail?.steps).toContainEqual(
    expect.objectContaining({ did: 'weighed', from: 'default', to: 'upstream_b', chose: 'move' }),
  )
  expect(row.trail?.steps.some(({ did }) => did === 'waited')).toBe(false)
})

test('a short one goes at once, and so does a long one of a team without patience', async () => {
  const short = await gateway(60_000)
  await ask(short, 6_000)
  a.script(throttled(12))
  expect(await ask(short, 6_000)).toMatchObject({ upstream: 'upstream_b' })
  a.reset()
  const hasty = await gateway(0)
  await ask(hasty, 90_000)
  a.script(throttled(12))
  expect(await ask(hasty, 90_000)).toMatchObject({ upstream: 'upstream_b' })
})

test('where everybody is full for now, the call waits for the first to have room', async () => {
  const at = await gateway(60_000)
  a.script(throttled(30))
  b.script(throttled(8))
  const row = await ask(at, 2_000)
  expect(row).toMatchObject({ upstream: 'upstream_b', attempts: 3, status: 'succeeded' })
})
