/** A whole conversation with the fake: what it streams, what it counts, what it remembers and writes down. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type FakeBedrock, startFakeBedrock } from './bedrock.ts'
import { assemble, hear, OPUS, post, said, stream, verdict } from './caller.ts'
import { type Thing, thing } from './json.ts'
import { say } from './steps.ts'

let fake: FakeBedrock
beforeAll(async () => {
  fake = await startFakeBedrock()
})
beforeEach(() => fake.reset())
afterAll(() => fake.close())

const THINKS = { thinking: { type: 'adaptive' } }
const TOOLS = [{ name: 'Bash', input_schema: { type: 'object' } }]

async function message(body: unknown): Promise<Thing> {
  return thing(await (await post(fake, body)).json())
}

test('a stream and a message say the same', async () => {
  const body = said('!bash echo hi', { ...THINKS, tools: TOOLS })
  const response = await stream(fake, body)
  expect(response.headers.get('content-type')).toBe('application/vnd.amazon.eventstream')
  expect(response.headers.get('x-amzn-bedrock-content-type')).toBe('application/json')
  const { events } = await hear(response)
  const whole = await message(body)
  const [thinking, use] = assemble(events)
  const [sameThinking, sameUse] = whole['content'] as Thing[]
  expect(thinking?.['thinking']).toBe(sameThinking?.['thinking'])
  expect(use).toEqual({ ...sameUse, id: use?.['id'] })
  expect(events.map((event) => event['type']).filter((type) => type !== 'content_block_delta')).toEqual([
    'message_start',
    'content_block_start',
    'content_block_stop',
    'content_block_start',
    'content_block_stop',
    'message_delta',
    'message_stop',
  ])
  expect(events.at(-2)).toMatchObject({ delta: { stop_reason: 'tool_use', stop_sequence: null } })
  expect(events.at(-1)).toMatchObject({ 'amazon-bedrock-invocationMetrics': { inputTokenCount: 14 } })
  expect(whole).toMatchObject({ role: 'assistant', model: 'claude-opus-5-5', stop_reason: 'tool_use' })
})

test.each(['summarized', 'omitted'])(
  'thinking (%s) is signed, and taken back only as it was',
  async (display) => {
    const asked = said('!think so', { thinking: { type: 'adaptive', display } })
    const { content } = await message(asked)
    const [thought] = content as Thing[]
    expect(thought?.['thinking']).toBe(display === 'omitted' ? '' : 'so')
    const replay = async (block: Thing) => {
      const turns = [
        { role: 'user', content: '!think so' },
        { role: 'assistant', content: [block, { type: 'text', text: 'yes' }] },
        { role: 'user', content: 'and?' },
      ]
      return (await post(fake, said('', { messages: turns, ...THINKS }))).status
    }
    expect(await replay(thought ?? {})).toBe(200)
    expect(await replay({ ...thought, thinking: 'so ' })).toBe(400)
  },
)

test('a redacted thought is taken back only as it was', async () => {
  const { content } = await message(said('!redact so', THINKS))
  const [thought] = content as Thing[]
  const replay = async (block: Thing) => {
    const turns = [
      { role: 'user', content: 'a' },
      { role: 'assistant', content: [block, { type: 'text', text: 'yes' }] },
      { role: 'user', content: 'and?' },
    ]
    return (await post(fake, said('', { messages: turns, ...THINKS }))).status
  }
  expect(await replay(thought ?? {})).toBe(200)
  expect(await replay({ ...thought, data: 'AAAA' })).toBe(400)
})

test('a number keeps its digits in a message and in a stream', async () => {
  const body = said('!call Bash {"n":12345678901234567890}', { tools: TOOLS })
  expect(await (await post(fake, body)).text()).toContain('"input":{"n":12345678901234567890}')
  const { events } = await hear(await stream(fake, body))
  const pieces = events.map((event) => thing(event['delta'])['partial_json'] ?? '')
  expect(pieces.join('')).toBe('{"n":12345678901234567890}')
})

test('a prefix is written once, then read; what follows is input', async () => {
  const cached = { type: 'text', text: 'x'.repeat(8_000), cache_control: { type: 'ephemeral', ttl: '1h' } }
  const ask = async (words: string) => (await message(said(words, { system: [cached] })))['usage']
  const write = { cache_creation_input_tokens: 2_001, cache_read_input_tokens: 0 }
  const read = { cache_creation_input_tokens: 0, cache_read_input_tokens: 2_001 }
  expect(await ask('a')).toMatchObject({ ...write, cache_creation: { ephemeral_1h_input_tokens: 2_001 } })
  expect(await ask('b')).toMatchObject({ ...read, input_tokens: 6 })
})

test('a conversation that grows reads what it wrote and writes the rest for five minutes', async () => {
  const block = (words: string) => ({ type: 'text', text: words, cache_control: { type: 'ephemeral' } })
  const first = { role: 'user', content: [block('y'.repeat(8_000))] }
  const turns = [
    first,
    { role: 'assistant', content: 'yes' },
    { role: 'user', content: [block('z'.repeat(400))] },
  ]
  expect((await message(said('', { messages: [first] })))['usage']).toMatchObject({
    cache_creation: { ephemeral_5m_input_tokens: 2_001, ephemeral_1h_input_tokens: 0 },
  })
  expect((await message(said('', { messages: turns })))['usage']).toMatchObject({
    cache_read_input_tokens: 2_001,
    cache_creation: { ephemeral_5m_input_tokens: 103, ephemeral_1h_input_tokens: 0 },
  })
})

test('auto mode gets its verdicts', async () => {
  const more = {
    anthropic_beta: ['dangerous-tool-use-2026-09-03'],
    safeguards: [{ type: 'dangerous_tool_use' }],
  }
  const answer = await message(said('!bash ls', { ...more, tools: TOOLS }))
  expect(answer['safeguard_results']).toMatchObject([
    { type: 'dangerous_tool_use', status: { type: 'available', tool_uses: expect.any(Object) } },
  ])
})

test('what arrived is written down, raw and parsed', async () => {
  fake.script(say({ content: [], usage: { output_tokens: 77 } }))
  const body = `{"max_tokens":5, "anthropic_version":"bedrock-2023-05-31","messages":[{"role":"user","content":"hi"}]}`
  await (await post(fake, body)).text()
  expect(fake.seen).toHaveLength(1)
  expect(fake.seen[0]).toMatchObject({
    method: 'POST',
    path: `/model/${OPUS}/invoke`,
    modelId: OPUS,
    operation: 'invoke',
    bytes: Buffer.from(body),
    body: { max_tokens: 5 },
    outcome: 'accepted',
    usage: { output_tokens: 77 },
  })
  expect(fake.seen[0]?.closedEarly).toBeUndefined()
})

test('a slow reader holds the writer back, and its hanging up closes the socket', async () => {
  const hangUp = new AbortController()
  const response = await stream(fake, said('!long 40000', { max_tokens: 128_000 }), {
    signal: hangUp.signal,
  })
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(fake.openSockets()).toBeGreaterThan(0)
  expect(fake.seen[0]?.closedAt).toBeUndefined()
  hangUp.abort()
  await response.text().catch(() => undefined)
  await expect.poll(() => fake.seen[0]?.closedEarly, { interval: 5, timeout: 1_000 }).toBe(true)
})

test('a body is JSON', async () => {
  expect(await verdict(await post(fake, '{"a":'))).toMatch(
    /^400 ValidationException: Malformed input request/,
  )
})

test('a body over 25,000,000 bytes is refused unread', async () => {
  expect(await verdict(await post(fake, said('x'.repeat(25_000_001))))).toMatch(
    /^413 RequestEntityTooLargeException/,
  )
})
