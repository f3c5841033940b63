import { describe, expect, test } from 'vitest'
import { adapt } from '../../src/protocol/fields/adapt.ts'
import { patternOf } from '../../src/protocol/fields/paths.ts'
import { asText } from '../../src/protocol/fields/structure.ts'
import { NOTHING_OMITTED, type Omissions, type Wire } from '../../src/protocol/fields/target.ts'
import { webHashes } from '../../src/protocol/hashes.ts'
import type { StreamEvent } from '../../src/protocol/messages.ts'
import { modelNamed } from '../../src/protocol/models.ts'
import { objectionIn } from '../../src/protocol/objections.ts'
import { invokeEnvelope } from '../../src/providers/bedrock/invoke.ts'
import { callOf } from '../providers/call.ts'

interface To {
  model?: string
  wire?: Wire
  betas?: string
  omit?: Partial<Omissions>
}

async function adapted(body: object, { model = 'claude-opus-5', wire = 'invoke', betas, omit }: To = {}) {
  const whole = { model, max_tokens: 40_000, messages: [{ role: 'user', content: 'hi' }], ...body }
  const call = await callOf(whole, betas === undefined ? {} : { headers: { 'anthropic-beta': betas } })
  const target = {
    wire,
    model: modelNamed(model),
    omit: { ...NOTHING_OMITTED, ...omit },
    secret: 'a secret for tests',
    hashes: webHashes,
  }
  const result = await adapt(call, target, invokeEnvelope())
  return { ...result, json: JSON.parse(new TextDecoder().decode(result.body)) }
}

describe('thinking', () => {
  const enabled = (budget_tokens: number) => ({ thinking: { type: 'enabled', budget_tokens } })

  test.each([
    [2_000, 'low'],
    [10_000, 'medium'],
    [32_000, 'high'],
  ])('with a budget of %i becomes adaptive with %s effort since 4.7', async (budget, effort) => {
    const { json } = await adapted(enabled(budget))
    expect(json).toMatchObject({ thinking: { type: 'adaptive' }, output_config: { effort } })
    expect(json.thinking).not.toHaveProperty('budget_tokens')
  })

  test('keeps the effort that was asked for', async () => {
    expect(
      (await adapted({ ...enabled(2_000), output_config: { effort: 'max' } })).json.output_config,
    ).toEqual({ effort: 'max' })
    expect((await adapted({ ...enabled(2_000), output_config: {} })).json.output_config).toEqual({
      effort: 'low',
    })
  })

  test('stays as it is where it is known', async () => {
    expect((await adapted(enabled(2_000), { model: 'claude-opus-4-6' })).json.thinking).toEqual(
      enabled(2_000).thinking,
    )
    expect(
      (await adapted({ thinking: { type: 'adaptive' } }, { model: 'claude-opus-4-6' })).json.thinking,
    ).toEqual({ type: 'adaptive' })
  })

  test('that is adaptive gets a budget before 4.6, if there is room for one', async () => {
    const body = { thinking: { type: 'adaptive', display: 'omitted' } }
    expect((await adapted(body, { model: 'claude-sonnet-4-5' })).json.thinking).toEqual({
      type: 'enabled',
      budget_tokens: 16_000,
    })
    const short = await adapted({ ...body, max_tokens: 500 }, { model: 'claude-sonnet-4-5' })
    expect(short.json).not.toHaveProperty('thinking')
    expect(short.removed).toContain('thinking')
  })

  test('cannot be switched off where it is always on', async () => {
    const off = { thinking: { type: 'disabled' } }
    expect((await adapted(off, { model: 'claude-opus-5-5' })).json).not.toHaveProperty('thinking')
    expect((await adapted(off)).json.thinking).toEqual({ type: 'disabled' })
  })

  test('keeps its bindings under the name that Bedrock has for them', async () => {
    const body = { thinking: { type: 'adaptive', block_binding: { prefix_mismatch_behavior: 'drop' } } }
    expect((await adapted(body)).json.thinking.block_binding).toEqual({ mismatch_behavior: 'drop' })
  })
})

describe('cache breakpoints', () => {
  const mark = { cache_control: { type: 'ephemeral' } }
  const text = (name: string) => ({ type: 'text', text: name })

  test('beyond four are lost from the front', async () => {
    const blocks = ['1', '2', '3', '4', '5'].map((name) => ({ ...text(name), ...mark }))
    const { json, removed } = await adapted({
      system: blocks.slice(0, 2),
      messages: [{ role: 'user', content: blocks.slice(2) }],
    })
    expect(json.system).toEqual([text('1'), blocks[1]])
    expect(json.messages[0].content).toEqual(blocks.slice(2))
    expect(removed).toContain('cache_control')
  })

  test('on thinking are none', async () => {
    const thinking = { type: 'thinking', thinking: 'hm', signature: 's' }
    const messages = [{ role: 'assistant', content: [{ ...thinking, ...mark }, text('x')] }]
    expect((await adapted({ messages })).json.messages[0].content).toEqual([thinking, text('x')])
  })

  test('for the whole request stand on the last block, with their time', async () => {
    const control = { type: 'ephemeral', ttl: '1h' }
    const messages = [{ role: 'user', content: [text('a'), text('b')] }]
    const { json } = await adapted({ cache_control: control, messages })
    expect(json).not.toHaveProperty('cache_control')
    expect(json.messages[0].content).toEqual([text('a'), { ...text('b'), cache_control: control }])
  })
})

describe('turns', () => {
  const system = {
    role: 'system',
    content: [{ type: 'text', text: 'be brief', cache_control: { type: 'ephemeral' } }],
  }
  const messages = [{ role: 'user', content: 'hi' }, system, { role: 'system', content: 'again' }]

  test("of the system are the user's where the conversation has none", async () => {
    expect((await adapted({ messages })).json.messages).toEqual(messages)
    expect((await adapted({ messages }, { model: 'claude-opus-4-8' })).json.messages).toEqual(messages)
    const { json } = await adapted({ messages }, { model: 'claude-sonnet-4-6' })
    expect(json.messages.map(({ role }: { role: string }) => role)).toEqual(['user', 'user', 'user'])
    expect(json.messages[1].content).toEqual(system.content)
  })

  test('lose thinking that was signed elsewhere, and nothing else', async () => {
    const thought = { type: 'thinking', thinking: 'hm', signature: 's' }
    const said = { type: 'text', text: 'so' }
    const turns = [
      { role: 'user', content: 'hi' },
      { role: 'assistant', content: [thought, { type: 'redacted_thinking', data: 'd' }, said] },
      { role: 'assistant', content: [thought] },
    ]
    const { json, removed } = await adapted({ messages: turns }, { omit: { thinking: true } })
    expect(json.messages).toEqual([turns[0], { role: 'assistant', content: [said] }])
    expect(removed).toContain('messages.*.content.*.thinking')
  })
})

describe('fields', () => {
  test.each([
    ['temperature', 0.5, 'claude-opus-5', 'claude-opus-4-6'],
    ['top_p', 0.5, 'claude-opus-4-7', 'claude-sonnet-4-5'],
    ['top_k', 57, 'claude-haiku-5-5', 'claude-haiku-4-5'],
    ['output_config', { effort: 'high' }, 'claude-haiku-4-5', 'claude-opus-4-5'],
    ['service_tier', 'auto', 'claude-opus-5', undefined],
    ['container', 'c', 'claude-opus-4-6', undefined],
  ])('%s = %j goes for %s, and stays for %s', async (name, value, without, with_) => {
    const gone = await adapted({ [name]: value }, { model: without })
    expect(JSON.stringify(gone.json)).not.toContain(JSON.stringify(value))
    expect(gone.removed.join()).toContain(name)
    if (with_) expect((await adapted({ [name]: value }, { model: with_ })).json[name]).toEqual(value)
  })

  test('of tools go where a beta or the model is missing', async () => {
    const tool = {
      name: 't',
      input_schema: {},
      defer_loading: true,
      strict: true,
      input_examples: [{}],
      eager_input_streaming: true,
      allowed_callers: ['x'],
    }
    const plain = { name: 't', input_schema: {} }
    expect((await adapted({ tools: [tool, tool] })).json.tools).toEqual([plain, plain])
    const searching = await adapted(
      { tools: [tool] },
      { betas: 'advanced-tool-use-2025-11-20', model: 'claude-sonnet-4-6' },
    )
    expect(searching.json.tools).toEqual([{ ...plain, defer_loading: true, strict: true }])
  })

  test('say with a beta what Bedrock has no field for', async () => {
    const { betas } = await adapted({ tools: [{ name: 't', input_schema: {}, eager_input_streaming: true }] })
    expect(betas).toEqual(['fine-grained-tool-streaming-2025-05-14'])
  })

  test('and betas go together', async () => {
    const betas = 'dangerous-tool-use-2026-09-03'
    const safeguards = [{ type: 'dangerous_tool_use' }]
    expect((await adapted({ safeguards }, { betas })).json).toMatchObject({
      safeguards,
      anthropic_beta: [betas],
    })
    expect((await adapted({ safeguards })).json).not.toHaveProperty('safeguards')
    const refused = await adapted({ safeguards }, { betas, omit: { fields: new Set(['safeguards']) } })
    expect(refused.json).not.toHaveProperty('anthropic_beta')
    const unknown = await adapted({ safeguards }, { betas, omit: { betas: new Set([betas]) } })
    expect(unknown.json).not.toHaveProperty('safeguards')
  })

  test('a forced tool is a choice where thinking is always on, but for Haiku', async () => {
    const body = { tools: [{ name: 't', input_schema: {} }], tool_choice: { type: 'tool', name: 't' } }
    expect((await adapted(body, { model: 'claude-opus-5-5' })).json.tool_choice).toEqual({ type: 'auto' })
    expect((await adapted(body, { model: 'claude-haiku-5-5' })).json.tool_choice).toEqual(body.tool_choice)
    expect((await adapted(body)).json.tool_choice).toEqual(body.tool_choice)
  })

  test("of Anthropic's own tools are asked for by a version that Bedrock has", async () => {
    const tools = [
      { type: 'bash_20241022', name: 'bash' },
      { name: 'look', input_schema: {} },
    ]
    expect((await adapted({ tools })).json.tools).toEqual([{ type: 'bash_20250124', name: 'bash' }, tools[1]])
    expect((await adapted({ tools }, { wire: 'anthropic' })).json.tools).toEqual(tools)
  })

  test('that an admin says are taken are sent', async () => {
    const omit = { accepted: new Set(['temperature', 'claude-code-20250219']) }
    const { json } = await adapted({ temperature: 0.5 }, { omit, betas: 'claude-code-20250219' })
    expect(json).toMatchObject({ temperature: 0.5, anthropic_beta: ['claude-code-20250219'] })
  })
})

describe('wires that take what Anthropic takes', () => {
  test.each(['anthropic', 'claude-platform'] as const)('%s gets everything as it came', async (wire) => {
    const body = {
      temperature: 0.5,
      service_tier: 'auto',
      system: 'x-anthropic-billing-header: v;\nHi',
      metadata: { user_id: '{"a":1}' },
      context_management: { edits: [{ type: 'clear_thinking_20251015' }] },
      messages: [{ role: 'system', content: 'x', output_config: { effort: 'low' } }],
    }
    const { json, betas, removed } = await adapted(body, {
      wire,
      betas: 'claude-code-20250219,anything-2027-01-01',
    })
    expect(json).toMatchObject(body)
    expect(betas).toEqual(['claude-code-20250219', 'anything-2027-01-01'])
    expect(removed).toEqual([])
  })
})

describe('structured output', () => {
  const schema = { type: 'object', properties: { title: { type: 'string' } } }
  const format = { output_config: { format: { type: 'json_schema', schema } } }

  test('is native in 4.5 and 4.6', async () => {
    expect((await adapted(format, { model: 'claude-sonnet-4-6' })).json).toMatchObject(format)
  })

  test('is the input of a forced tool where one can be forced', async () => {
    const { json, structured } = await adapted(format)
    expect(structured).toBe(true)
    expect(json.output_config).toEqual({})
    expect(json.tools).toEqual([expect.objectContaining({ name: 'structured_output', input_schema: schema })])
    expect(json.tool_choice).toEqual({ type: 'tool', name: 'structured_output' })
  })

  test.each([
    ['a model that always thinks', {}, 'claude-opus-5-5'],
    ['thinking', { thinking: { type: 'adaptive' } }, 'claude-opus-5'],
    ['other tools', { tools: [{ name: 't', input_schema: {} }] }, 'claude-opus-5'],
  ])('is refused in the words that the client knows with %s', async (_, more, model) => {
    await expect(adapted({ ...format, ...more }, { model })).rejects.toMatchObject({
      type: 'invalid_request_error',
      message: 'capability_rejected: structured_outputs_unsupported',
    })
  })

  test('comes back as text', async () => {
    const event = (value: { type: string; [key: string]: unknown }): StreamEvent => ({
      type: value.type,
      data: new TextEncoder().encode(JSON.stringify(value)),
    })
    const batches: (StreamEvent[] | undefined)[] = [
      [
        event({
          type: 'content_block_start',
          index: 0,
          content_block: { type: 'tool_use', id: 't', name: 'structured_output', input: {} },
        }),
        event({
          type: 'content_block_delta',
          index: 0,
          delta: { type: 'input_json_delta', partial_json: '{"title":' },
        }),
        event({
          type: 'message_delta',
          delta: { stop_reason: 'tool_use', stop_sequence: null },
          usage: { output_tokens: 4 },
        }),
      ],
      undefined,
    ]
    const events = asText({ next: async () => batches.shift(), cancel: () => {} })
    const told = (await events.next())?.map(({ data }) => JSON.parse(new TextDecoder().decode(data)))
    expect(told).toEqual([
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: '{"title":' } },
      {
        type: 'message_delta',
        delta: { stop_reason: 'end_turn', stop_sequence: null },
        usage: { output_tokens: 4 },
      },
    ])
    expect(await events.next()).toBeUndefined()
  })
})

describe('objections', () => {
  test.each([
    ['invalid beta flag', { kind: 'betas', betas: [] }],
    [
      'Unexpected value(s) `a-1`, `b-2` for the `anthropic-beta` header. Please…',
      { kind: 'betas', betas: ['a-1', 'b-2'] },
    ],
    ['output_config.format: Extra inputs are not permitted', { kind: 'field', path: 'output_config.format' }],
    [
      'Malformed input request: tools.0.custom.defer_loading: Extra inputs are not permitted',
      { kind: 'field', path: 'tools.0.custom.defer_loading' },
    ],
    ['messages.1.content.0: Invalid `signature` in `thinking` block', { kind: 'thinking' }],
    ["output_config.effort: 'thinking: Extra inputs are not permitted' is not supported", undefined],
    ["tool_choice.tool.name: Tool 'invalid beta flag' not found", undefined],
    ["tools.0.name: 'Unexpected value(s) `b-1` for the `anthropic-beta` header' is too long", undefined],
    ['messages.1.content.0.thinking.signature: Field required', { kind: 'thinking' }],
    ['max_tokens: 9 > 5, which is the maximum', undefined],
    ['prompt is too long', undefined],
  ])('%s', (message, objection) => {
    expect(objectionIn(message)).toEqual(objection)
  })

  test.each([
    ['tools.7.custom.novel', 'tools.*.custom.novel'],
    ['system.0.cache_control.ephemeral.scope', 'system.*.cache_control.ephemeral.scope'],
    ['messages.5.content.2.text.extra', 'messages.*.content.*.text.extra'],
    ['messages.0.content.1.tool_use.text', 'messages.*.content.*.tool_use.text'],
    ['messages.0.content.0.text.text', undefined],
    ['messages.0.content.1.tool_use.input', undefined],
    ['nowhere', undefined],
    ['tools.0.custom.nowhere', undefined],
    ['messages', undefined],
    ['tools.0.custom.input_schema', undefined],
    ['messages.0.content', undefined],
  ])('of %s remember %s', async (path, pattern) => {
    const call = await callOf({
      model: 'm',
      system: [{ type: 'text', text: 's', cache_control: { type: 'ephemeral', scope: 'g' } }],
      tools: [
        { name: 'a', input_schema: {} },
        { name: 'b', input_schema: {}, novel: 1 },
      ],
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'x', extra: 1 },
            { type: 'tool_use', id: 'i', name: 'n', input: {}, text: 'odd' },
          ],
        },
      ],
    })
    expect(patternOf(call.body, call.outline, path)).toBe(pattern)
  })
})

test('what one kind of block may not say, every other still says', async () => {
  const text = { type: 'text', text: 'x' }
  const tool = { type: 'tool_use', id: 'i', name: 'n', input: {} }
  const messages = [{ role: 'assistant', content: [text, { ...tool, text: 'odd' }] }]
  const omit = { fields: new Set(['messages.*.content.*.tool_use.text']) }
  expect((await adapted({ messages }, { omit })).json.messages[0].content).toEqual([text, tool])
})
