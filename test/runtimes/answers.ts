/** What a caller gets of a message, whole and streamed, and what the ledger keeps of it. */
import { expect } from 'vitest'
import { answer, say } from '../fakes/steps.ts'
import { bucketsOf } from '../whole/buckets.ts'
import { type Body, type Event, eventsIn, hello, MODEL, said } from '../whole/caller.ts'
import type { Part } from './stage.ts'

export const answers: Part = (test, stage) => {
  test('an answer in one piece is whole, names the model that was asked for, and has its row', async () => {
    const response = await stage.send(said('!say one two three'))
    const text = await response.text()
    expect(response.status, text).toBe(200)
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(text).not.toContain('amazon-bedrock')
    const [seen] = stage.fake.seen
    expect(JSON.parse(text)).toMatchObject({
      type: 'message',
      role: 'assistant',
      model: MODEL,
      content: [{ type: 'text', text: 'one two three' }],
      stop_reason: 'end_turn',
      usage: seen?.usage,
    })
    expect(await stage.row()).toMatchObject({
      id: response.headers.get('request-id'),
      status: 'succeeded',
      model: MODEL,
      model_id: `us.anthropic.${MODEL}`,
      provider: 'bedrock',
      upstream: 'default',
      region: 'us-east-1',
      stream: false,
      attempts: 1,
      usage: bucketsOf(seen?.usage),
      usage_source: 'final',
      stop_reason: 'end_turn',
      error_type: null,
    })
  })

  test('a stream has every event with its line, in order, and its row', async () => {
    const response = await stage.send(said('!long 20', { stream: true }))
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/)
    const text = await response.text()
    expect(text).not.toContain('amazon-bedrock')
    const events = eventsIn(text)
    for (const { name, data } of events) expect(data.type).toBe(name)
    expect(events.map(({ name }) => name)).toEqual([
      'message_start',
      'content_block_start',
      ...Array(20).fill('content_block_delta'),
      'content_block_stop',
      'message_delta',
      'message_stop',
    ])
    expect(events[0]?.data).toMatchObject({ message: { model: MODEL, usage: { output_tokens: 1 } } })
    expect(events.at(-1)?.data).toEqual({ type: 'message_stop' })
    const written = await stage.row()
    expect(written).toMatchObject({
      id: response.headers.get('request-id'),
      status: 'succeeded',
      stream: true,
      usage: bucketsOf(stage.fake.seen[0]?.usage),
      usage_source: 'final',
    })
    expect(written.first_byte_ms).toBeLessThanOrEqual(written.duration_ms ?? -1)
  })

  test('a tool call keeps every digit of its input, whole and streamed', async () => {
    const input = '{"big":12345678901234567890,"one":1.0,"far":1e400}'
    for (const stream of [false, true]) {
      stage.fake.script(say({ content: [{ type: 'tool_use', name: 'lookup', input }] }))
      const text = await (await stage.send(hello({ stream }))).text()
      expect(stream ? deltas(eventsIn(text), 'partial_json') : text).toContain(input)
    }
    const rows = await stage.gateway.settled(2, { key: stage.key.id })
    expect(rows.map(({ stop_reason }) => stop_reason)).toEqual(['tool_use', 'tool_use'])
  })

  test('thinking and its signature come byte for byte, and are taken back in the next turn', async () => {
    const thinking = { type: 'enabled', budget_tokens: 2_000 }
    const body = hello({ model: 'claude-sonnet-4-6', thinking })
    const question = { role: 'user', content: 'What do you think?' }
    const thought = say({
      content: [
        { type: 'thinking', thinking: WORDS },
        { type: 'text', text: 'So I thought.' },
      ],
    })
    stage.fake.script(thought, thought)
    const whole = await (await stage.send({ ...body, messages: [question] })).json()
    const streamed = await (await stage.send({ ...body, messages: [question], stream: true })).text()
    const events = eventsIn(streamed)
    const spoken = [
      { type: 'thinking', thinking: deltas(events, 'thinking'), signature: deltas(events, 'signature') },
      { type: 'text', text: deltas(events, 'text') },
    ]
    expect(spoken[0]?.thinking).toBe(WORDS)
    expect(whole.content[0]).toEqual({ type: 'thinking', thinking: WORDS, signature: expect.any(String) })
    for (const content of [whole.content, spoken]) {
      const messages = [question, { role: 'assistant', content }, { role: 'user', content: '!say good' }]
      const next = await stage.send({ ...body, messages })
      expect(next.status, await next.clone().text()).toBe(200)
      expect(stage.fake.seen.at(-1)?.body).toMatchObject({ messages: [{}, { content }, {}] })
    }
  })

  test('letters of many bytes come through, whole and streamed, wherever the wire is cut', async () => {
    const reply = { content: [{ type: 'text', text: WORDS }] as const }
    for (const manner of [{}, { split: 1 }]) {
      stage.fake.script(answer({ ...manner, reply }), answer({ ...manner, reply }))
      expect((await (await stage.send(hello())).json()).content).toEqual(reply.content)
      const events = eventsIn(await (await stage.send(hello({ stream: true }))).text())
      expect(deltas(events, 'text')).toBe(WORDS)
    }
  })
}

/** Of one, two, three and four bytes a letter, and one made of several. */
const WORDS = 'plain naïve Ωμέγα 漢字かな 🪨 👩‍👩‍👧 \u2028 "quoted" back\\slash'

/** What the deltas of that name say together. */
function deltas(events: readonly Event[], name: string): string {
  return events.map(({ data }) => String((data['delta'] as Body | undefined)?.[name] ?? '')).join('')
}
