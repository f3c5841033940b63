import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { app } from '../../src/app.ts'
import { pinnedEgress } from '../../src/host/egress.ts'
import { type FakeBedrock, startFakeBedrock } from '../fakes/bedrock.ts'
import { say } from '../fakes/steps.ts'
import { ADMIN_TOKEN } from '../runtime.ts'
import { gatewayOn, type TestGateway } from './gateway.ts'

let bedrock: FakeBedrock
let engine: Server
let address: string
const asked: { token: string | undefined; query: string }[] = []

beforeAll(async () => {
  bedrock = await startFakeBedrock()
  engine = createServer(async (request, response) => {
    let body = ''
    for await (const part of request) body += part
    asked.push({ token: request.headers.authorization, query: JSON.parse(body).query })
    const results = [{ url: 'https://example.com/rock', title: 'On rocks', snippet: 'A rock is a stone.' }]
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ results }))
  })
  await new Promise<void>((resolve) => engine.listen(0, '127.0.0.1', resolve))
  address = `http://127.0.0.1:${(engine.address() as AddressInfo).port}/query`
})
afterAll(async () => {
  engine.close()
  await bedrock.close()
})
beforeEach(() => {
  bedrock.reset()
  asked.length = 0
})

const gateway = () => gatewayOn(bedrock, { egress: pinnedEgress({ loopback: true }) })

function admin({ runtime }: TestGateway, method: string, path: string, body?: object) {
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' }
  return app.request(path, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) }, runtime)
}

const searching = {
  model: 'claude-sonnet-4-6',
  max_tokens: 500,
  tools: [{ type: 'web_search_20250305', name: 'web_search', max_uses: 3 }],
  messages: [{ role: 'user', content: '!call web_search {"query":"what is a rock"}' }],
}
const custom = (token?: string) => ({
  engine: 'custom',
  settings: { url: address, ...(token ? { token } : {}) },
})

test('what Postgres cannot hold is refused before it is asked', async () => {
  const made = await gateway()
  for (const [path, wish] of [
    ['/admin/search/keys/%00', custom()],
    ['/admin/search', { mode: 'all', ...custom('a\0b') }],
    ['/admin/search', { mode: 'all', engine: 'cus\0tom', settings: {} }],
  ] as const) {
    const response = await admin(made, 'PUT', path, wish)
    expect([response.status, await response.text()]).toEqual([400, expect.stringContaining('NUL')])
  }
})

describe('web search', () => {
  test('is off until somebody chooses an engine, and says how to do without', async () => {
    const { post } = await gateway()
    const response = await post(searching)
    expect(response.status).toBe(400)
    expect(response.headers.get('x-should-retry')).toBe('false')
    expect(await response.json()).toMatchObject({
      error: { type: 'policy_blocked', message: expect.stringContaining('deny') },
    })
    expect(bedrock.seen).toEqual([])
  })

  test('by one engine for all answers with what it found, and is booked', async () => {
    const one = await gateway()
    expect(
      (await admin(one, 'PUT', '/admin/search', { mode: 'all', ...custom('engine-token') })).status,
    ).toBe(200)
    const answer = (await (await one.post(searching)).json()) as {
      content: { type: string }[]
      usage: object
    }
    expect(asked).toEqual([{ token: 'Bearer engine-token', query: 'what is a rock' }])
    expect(answer.content.map(({ type }) => type)).toEqual([
      'server_tool_use',
      'web_search_tool_result',
      'text',
    ])
    expect(answer.usage).toMatchObject({ server_tool_use: { web_search_requests: 1 } })
    await one.runtime.settled()
    expect(one.runtime.rows).toMatchObject([{ status: 'succeeded', webSearches: 1, attempts: 2 }])
    expect(one.runtime.rows[0]?.trail?.steps.map(({ did }) => did)).toEqual(['sent', 'continued', 'sent'])
  })

  test('costs what the engine charges, beside the tokens', async () => {
    const costs: (number | undefined)[] = []
    for (const env of [{}, { WEB_SEARCH_FEE: '5' }]) {
      const one = await gatewayOn(bedrock, { egress: pinnedEgress({ loopback: true }), env })
      await admin(one, 'PUT', '/admin/search', { mode: 'all', ...custom() })
      expect((await one.post(searching)).status).toBe(200)
      await one.runtime.settled()
      costs.push(one.runtime.rows[0]?.costNano ?? undefined)
    }
    const [without = 0, withFee] = costs
    expect(without).toBeGreaterThan(0)
    expect(withFee).toBe(without + 5_000_000)
  })

  test('is charged call by call: two short prompts are no long one', async () => {
    const one = await gateway()
    await admin(one, 'PUT', '/admin/search', { mode: 'all', ...custom() })
    const usage = (input_tokens: number, output_tokens: number) => ({ input_tokens, output_tokens })
    const search = { type: 'tool_use' as const, name: 'web_search', input: { query: 'what is a rock' } }
    for (const stream of [false, true]) {
      bedrock.script(
        say({ content: [search], stop_reason: 'tool_use', usage: usage(60_000, 100) }),
        say({ content: [{ type: 'text', text: 'A stone.' }], usage: usage(70_000, 200) }),
      )
      await (await one.post({ ...searching, model: 'claude-haiku-5-5', stream })).text()
      await one.runtime.settled()
      // 130,000 at $0.10 and 300 at $0.50 a million, and a tenth, not five times as much
      expect(one.runtime.rows.at(-1)).toMatchObject({
        inputTokens: 130_000,
        outputTokens: 300,
        attempts: 2,
        costNano: 14_465_000,
        feeNano: 0,
      })
    }
  })

  test("by each key's own engine is off for a key without one", async () => {
    const one = await gateway()
    const [key] = one.runtime.keys
    await admin(one, 'PUT', '/admin/search', { mode: 'own' })
    expect((await one.post(searching)).status).toBe(400)
    one.runtime.cache.forget(`search:${key?.id}`)
    expect((await admin(one, 'PUT', `/admin/search/keys/${key?.id}`, custom())).status).toBe(200)
    expect((await one.post(searching)).status).toBe(200)
    expect((await admin(one, 'DELETE', `/admin/search/keys/${key?.id}`)).status).toBe(204)
    expect((await one.post(searching)).status).toBe(400)
    expect((await admin(one, 'PUT', '/admin/search/keys/key_none', custom())).status).toBe(404)
  })

  test('history is counted as the model had it', async () => {
    const one = await gateway()
    await admin(one, 'PUT', '/admin/search', { mode: 'all', ...custom() })
    const { content } = (await (await one.post(searching)).json()) as { content: unknown }
    const messages = [
      ...searching.messages,
      { role: 'assistant', content },
      { role: 'user', content: 'and?' },
    ]
    const counted = await one.post({ ...searching, messages }, { path: '/v1/messages/count_tokens' })
    expect(counted.headers.get('x-outcrop-estimated')).toBe('false')
  })
})

describe('the settings of an engine', () => {
  test('are shown without their secrets, and stored with them sealed', async () => {
    const one = await gateway()
    await admin(one, 'PUT', '/admin/search', { mode: 'all', ...custom('engine-token') })
    const shown = await (await admin(one, 'GET', '/admin/search')).text()
    expect(JSON.parse(shown)).toMatchObject({
      mode: 'all',
      engine: { engine: 'custom', settings: { url: address }, secrets: ['token'] },
    })
    expect(shown).not.toContain('engine-token')
    expect(JSON.stringify(await one.runtime.data.settings.get('web_search_engine'))).not.toContain(
      'engine-token',
    )
  })

  test('keep a secret that is not said again, for the same engine only', async () => {
    const one = await gateway()
    await admin(one, 'PUT', '/admin/search', { mode: 'all', ...custom('engine-token') })
    await admin(one, 'PUT', '/admin/search', { mode: 'all', ...custom() })
    await one.post(searching)
    expect(asked.at(-1)?.token).toBe('Bearer engine-token')
    const other = await admin(one, 'PUT', '/admin/search', { mode: 'all', engine: 'tavily', settings: {} })
    expect(other.status).toBe(400)
  })

  test.each([
    [{ mode: 'sometimes' }, 'mode'],
    [{ mode: 'all', engine: 'altavista' }, 'engine'],
    [{ mode: 'all', engine: 'custom' }, 'settings.url'],
    [{ mode: 'all', engine: 'custom', settings: { url: 'not a url' } }, 'settings.url'],
    [{ mode: 'all', engine: 'custom', settings: { url: 'https://x.test', odd: 'x' } }, 'settings.odd'],
    [{ mode: 'all', engine: 'brave' }, 'settings.apiKey'],
  ])('%j are refused by naming what is wrong', async (wish, named) => {
    const response = await admin(await gateway(), 'PUT', '/admin/search', wish)
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { message: expect.stringContaining(named) } })
  })
})
