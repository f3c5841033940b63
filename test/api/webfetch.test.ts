import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { pinnedEgress } from '../../src/host/egress.ts'
import { type FakeBedrock, startFakeBedrock } from '../fakes/bedrock.ts'
import { gatewayOn } from './gateway.ts'

let bedrock: FakeBedrock
let pages: Server
let address: string
const asked: string[] = []

beforeAll(async () => {
  bedrock = await startFakeBedrock()
  pages = createServer((request, response) => {
    asked.push(request.url ?? '')
    if (request.url === '/moved') response.writeHead(302, { location: '/rock' }).end()
    else response.setHeader('content-type', 'text/html').end('<title>On rocks</title><p>A rock is a stone.')
  })
  await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve))
  address = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`
})
afterAll(async () => {
  pages.close()
  await bedrock.close()
})
beforeEach(() => {
  bedrock.reset()
  asked.length = 0
})

const gateway = (env: Record<string, string>, loopback = true) =>
  gatewayOn(bedrock, { egress: pinnedEgress({ loopback }), env })
const fetching = (path: string, words = `See ${address}${path}`) => ({
  model: 'claude-sonnet-4-6',
  max_tokens: 500,
  tools: [{ type: 'web_fetch_20250910', name: 'web_fetch', max_uses: 3 }],
  messages: [{ role: 'user', content: `${words}\n!call web_fetch {"url":"${address}${path}"}` }],
})

interface Answer {
  content: { type: string; content?: { url?: string; error_code?: string; content?: object } }[]
  usage: object
}

describe('web fetch', () => {
  test.each([{}, { WEB_FETCH: 'off' }, { WEB_FETCH: '' }])(
    'is off unless it is switched on: %j',
    async (env) => {
      const { post } = await gateway(env)
      const response = await post(fetching('/rock'))
      expect(response.status).toBe(400)
      expect(response.headers.get('x-should-retry')).toBe('false')
      expect(await response.json()).toMatchObject({
        error: { type: 'policy_blocked', message: expect.stringContaining('WEB_FETCH=on') },
      })
      expect(bedrock.seen).toEqual([])
      expect(asked).toEqual([])
    },
  )

  test('answers with what the page says, and is booked as one request of two steps', async () => {
    const one = await gateway({ WEB_FETCH: 'on' })
    const response = await one.post(fetching('/moved'))
    expect(response.status).toBe(200)
    const { content, usage } = (await response.json()) as Answer
    expect(asked).toEqual(['/moved', '/rock'])
    expect(content.map(({ type }) => type)).toEqual(['server_tool_use', 'web_fetch_tool_result', 'text'])
    expect(content[1]?.content).toMatchObject({
      type: 'web_fetch_result',
      url: `${address}/rock`,
      content: { type: 'document', title: 'On rocks', source: { data: 'A rock is a stone.' } },
    })
    expect(usage).toMatchObject({ server_tool_use: { web_fetch_requests: 1, web_search_requests: 0 } })
    await one.runtime.settled()
    expect(one.runtime.rows).toMatchObject([{ status: 'succeeded', webSearches: 0, attempts: 2 }])
    const log = JSON.stringify([one.runtime.lines, one.runtime.rows, one.runtime.metrics.text()])
    expect(log).not.toMatch(/stone|\/rock|127\.0\.0\.1/)
  })

  test('streams the same', async () => {
    const one = await gateway({ WEB_FETCH: 'on' })
    const stream = await (await one.post({ ...fetching('/rock'), stream: true })).text()
    expect(stream).toContain('"type":"web_fetch_tool_result"')
    expect(stream).toContain('A rock is a stone.')
    expect(stream.match(/event: message_stop/g)).toHaveLength(1)
  })

  test('is kept to public addresses, whoever names another', async () => {
    const one = await gateway({ WEB_FETCH: 'on' }, false)
    const { content } = (await (await one.post(fetching('/rock'))).json()) as Answer
    expect(content[1]?.content).toMatchObject({ error_code: 'url_not_accessible' })
    expect(asked).toEqual([])
  })

  test('history is counted as the model had it', async () => {
    const one = await gateway({ WEB_FETCH: 'on' })
    const first = fetching('/rock')
    const { content } = (await (await one.post(first)).json()) as Answer
    const messages = [...first.messages, { role: 'assistant', content }, { role: 'user', content: 'and?' }]
    const counted = await one.post({ ...first, messages }, { path: '/v1/messages/count_tokens' })
    expect(counted.headers.get('x-outcrop-estimated')).toBe('false')
  })
})
