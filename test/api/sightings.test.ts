/** What calls through the gateway make known of their upstream. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type FakeBedrock, startFakeBedrock } from '../fakes/bedrock.ts'
import { refuseWith } from '../fakes/steps.ts'
import { gatewayOn } from './gateway.ts'

let bedrock: FakeBedrock
beforeAll(async () => {
  bedrock = await startFakeBedrock()
})
afterAll(() => bedrock.close())
beforeEach(() => bedrock.reset())

const hello = {
  model: 'claude-opus-5',
  max_tokens: 100,
  stream: true,
  messages: [{ role: 'user', content: '!say hello' }],
}

test('an upstream that fails five calls in a row is told to be down, once', async () => {
  const { post, runtime } = await gatewayOn(bedrock)
  for (let count = 0; count < 7; count++) {
    bedrock.script(refuseWith('ServiceUnavailableException'))
    expect((await post(hello)).status).toBe(529)
  }
  await runtime.settled()
  expect(runtime.told.map(({ kind }) => kind)).toEqual(['upstream_down'])
  expect(runtime.told[0]?.detail).toEqual({
    upstream: 'default',
    name: 'default',
    error: 'overloaded_error',
    region: 'us-east-1',
  })
})

test('callers who ask for what cannot be do not make it look down', async () => {
  const { post, runtime } = await gatewayOn(bedrock)
  for (let count = 0; count < 12; count++) {
    bedrock.script(refuseWith('ValidationException', 'messages: at least one message is required'))
    expect((await post(hello)).status).toBe(400)
  }
  await runtime.settled()
  expect(runtime.told).toEqual([])
})
