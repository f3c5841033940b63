/** What is remembered of where a key's calls go, and when it no longer holds. */
import { expect, test } from 'vitest'
import { route } from '../../../src/gateway/route.ts'
import { ROUTING } from '../../../src/gateway/routing/policy.ts'
import { environmentRow } from '../../../src/gateway/routing/setup.ts'
import { forgetUpstreams } from '../../../src/gateway/routing/upstreams.ts'
import { keepWay, type Ways } from '../../../src/gateway/routing/ways.ts'
import { callOf } from '../../providers/call.ts'
import { ANYONE, testRuntime } from '../../runtime.ts'

const asking = (more: object = {}) =>
  callOf({ model: 'claude-opus-5-5', max_tokens: 10, messages: [], ...more })

/** A runtime that has been asked once, so that all is at hand. */
async function warm() {
  const runtime = testRuntime()
  await route(runtime, ANYONE, await asking())
  return runtime
}

test('a call goes where the last one of its key and model went, found once', async () => {
  const runtime = await warm()
  const first = await route(runtime, ANYONE, await asking())
  expect(await route(runtime, ANYONE, await asking())).toBe(first)
  expect(await route(runtime, ANYONE, await asking({ model: 'claude-sonnet-4-5' }))).not.toBe(first)
})

test('what another key may use is found anew', async () => {
  const runtime = await warm()
  await route(runtime, ANYONE, await asking())
  const other = { ...ANYONE, models: [{ models: ['claude-sonnet-*'], deniedModels: null }] }
  await expect(route(runtime, other, await asking())).rejects.toThrow('may not use')
})

test('an upstream that is switched off takes no more calls', async () => {
  const runtime = await warm()
  await route(runtime, ANYONE, await asking())
  const row = environmentRow(runtime, 'default')
  if (row) runtime.upstreams.push({ ...row, enabled: false })
  forgetUpstreams(runtime)
  await expect(route(runtime, ANYONE, await asking())).rejects.toThrow('switched off')
})

test('a policy that is changed holds for the next call', async () => {
  const runtime = await warm()
  await route(runtime, ANYONE, await asking())
  runtime.cache.forget(ROUTING)
  await runtime.cache.remember(ROUTING, async () => ({ value: { geographies: ['jp'] }, ttl: 60_000 }))
  await expect(route(runtime, ANYONE, await asking())).rejects.toThrow('routing policy')
})

test('a model that a call would fall back to is judged each time', async () => {
  const runtime = await warm()
  const key = { ...ANYONE, models: [{ models: ['claude-opus-*'], deniedModels: null }] }
  await route(runtime, key, await asking())
  const falling = await asking({ fallbacks: [{ model: 'claude-sonnet-4-5' }] })
  await expect(route(runtime, key, falling)).rejects.toThrow('may not fall back')
})

test('whoever makes names up does not fill the memory', async () => {
  const choice = await route(await warm(), ANYONE, await asking())
  const ways: Ways = new Map()
  for (let index = 0; index < 500; index++) keepWay(ways, `claude-${index}`, choice)
  expect(ways.size).toBeLessThanOrEqual(50)
})
