/** GET /admin/headroom: how token quotas stand, and who may know. */
import { expect, test } from 'vitest'
import { app } from '../../src/app.ts'
import { place, quoted } from '../gateway/routing/routes.ts'
import { callOf } from '../providers/call.ts'
import { ADMIN_TOKEN, keyIn, type TestRuntime, testRuntime } from '../runtime.ts'

const ask = (runtime: TestRuntime, token: string) =>
  app.request('/admin/headroom', { headers: { authorization: `Bearer ${token}` } }, runtime)

const small = () => callOf({ model: 'claude-opus-5-5', max_tokens: 100_000, messages: [], tools: [{}] })

test('buckets are listed fullest first, with what the quota says and what was seen', async () => {
  const runtime = testRuntime()
  const { headroom } = runtime.steering
  const call = await small()
  headroom.reserve(runtime, place({ id: 'unknown' }), call)
  headroom.reserve(runtime, quoted(1_000_000, { id: 'roomy', account: '222222222222' }), call)
  headroom.reserve(runtime, quoted(200_000, { id: 'tight', account: '111111111111' }), call)
  headroom.reserve(runtime, quoted(200_000, { id: 'twin', account: '111111111111' }), call).throttled()
  const response = await ask(runtime, ADMIN_TOKEN)
  expect(response.status).toBe(200)
  const { data } = (await response.json()) as { data: Record<string, unknown>[] }
  expect(data.map(({ account }) => account)).toEqual(['111111111111', '222222222222', 'unknown'])
  expect(data[0]).toMatchObject({
    upstreams: ['tight', 'twin'],
    region: 'us-east-1',
    model: 'claude-opus-5-5',
    reach: 'geography',
    quota: { tokens_per_minute: 200_000 },
    capacity: 180_000,
    under_way: 1,
    last_hour: { calls: 2, throttled: 1, throttled_share: 0.5 },
    raise: { name: 'tokens', code: 'L-1', at_least: 300_000 },
  })
  expect(data[2]).toMatchObject({ quota: null, capacity: null, used: 0, full_at: null, raise: null })
})

test('a developer’s key and a stranger are told nothing', async () => {
  const runtime = testRuntime()
  const { secret } = await keyIn(runtime)
  expect((await ask(runtime, secret)).status).toBe(401)
  expect((await ask(runtime, 'nobody')).status).toBe(401)
})
