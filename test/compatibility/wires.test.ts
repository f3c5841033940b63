/** Every feature, on a model that takes the most, over every wire: what of it is sent, into docs/compatibility.md. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { app } from '../../src/app.ts'
import { keptCredentials } from '../../src/aws.ts'
import { sendBy } from '../../src/protocol/send.ts'
import { WIRES } from '../api/wires.ts'
import { type FakeMessages, startFakeMessages } from '../fakes/messages.ts'
import { keyIn, testRuntime } from '../runtime.ts'
import { FEATURES, type Feature } from './features.ts'
import { type Cell, expectPage, isSent, type Results, table } from './matrix.ts'

const TITLES: Readonly<Record<string, string>> = {
  runtime: 'Messages on the runtime',
  mantle: 'Mantle',
  platform: 'Claude Platform on AWS',
  anthropic: 'Anthropic',
  vertex: 'Vertex AI',
}
const titleOf = (door: string) => TITLES[door] ?? door

const PLAIN = { model: 'claude-opus-5', max_tokens: 4_000, messages: [{ role: 'user', content: 'hi' }] }
const results: Results = new Map(FEATURES.map(({ name }) => [name, new Map()]))

describe.each(WIRES)('over the wire of $door', ({ door, env, signs }) => {
  let fake: FakeMessages
  beforeAll(async () => {
    fake = await startFakeMessages(door)
  })
  afterAll(() => fake.close())

  test.each(FEATURES)('$name', async (feature) => {
    const cell = await tried(feature)
    results.get(feature.name)?.set(titleOf(door), cell)
    expect(cell).not.toBe('failed')
  })

  async function tried({ body, betas = [], traces = [] }: Feature): Promise<Cell> {
    fake.reset()
    const { credentials, secret } = fake.keys
    const runtime = testRuntime({
      fetch: sendBy(fetch),
      now: Date.now,
      credentials: keptCredentials(async () => (signs ? { ...credentials } : { bearer: secret }), Date.now),
      env: env(fake.url),
    })
    const headers = { ...(await keyIn(runtime)).headers, 'anthropic-beta': betas.join(',') }
    const request = { method: 'POST', headers, body: JSON.stringify({ ...PLAIN, ...body }) }
    const response = await app.request('/v1/messages', request, runtime)
    await response.arrayBuffer()
    if (response.status !== 200 || fake.seen.length !== 1) return 'failed'
    const removed = response.headers.get('x-outcrop-removed')?.split(', ') ?? []
    if (traces.some((trace) => removed.includes(trace))) return 'left out'
    return isSent(body ?? {}, fake.seen[0]?.body) ? 'as sent' : 'adapted'
  }
})

test('docs/compatibility.md says what was found', () => {
  expectPage(
    'wires',
    table(
      'By wire, on Opus 5',
      WIRES.map(({ door }) => titleOf(door)),
      results,
    ),
  )
})
