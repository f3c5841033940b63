import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { adapt } from '../../src/protocol/fields/adapt.ts'
import { NOTHING_OMITTED } from '../../src/protocol/fields/target.ts'
import { webHashes } from '../../src/protocol/hashes.ts'
import { modelNamed } from '../../src/protocol/models.ts'
import { invokeEnvelope } from '../../src/providers/bedrock/invoke.ts'
import { callOf } from './call.ts'

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
const user = { role: 'user', content: 'hi' }

interface Options {
  betas?: string
  /** The model that it goes to. */
  to?: string
}

async function translatedText(body: unknown, { betas, to = 'claude-opus-5' }: Options = {}): Promise<string> {
  const call = await callOf(body, betas === undefined ? {} : { headers: { 'anthropic-beta': betas } })
  const target = {
    wire: 'invoke',
    model: modelNamed(to),
    omit: NOTHING_OMITTED,
    secret: 'a secret for tests',
    hashes: webHashes,
  } as const
  return text((await adapt(call, target, invokeEnvelope())).body)
}

async function translated(body: Record<string, unknown>, options?: Options) {
  const whole = { model: 'claude-opus-5-5', max_tokens: 9, messages: [user], ...body }
  return JSON.parse(await translatedText(whole, options))
}

describe('the envelope', () => {
  test('model and stream go, version and betas come, and nothing else moves', async () => {
    const body =
      '{ "model":"claude-opus-5-5" ,"max_tokens": 9,\n"stream":true, "messages":[{"role":"user","content":"\\u0068i"}] , "x":1.0}'
    expect(await translatedText(body, { betas: 'interleaved-thinking-2025-05-14' })).toBe(
      '{"anthropic_version":"bedrock-2023-05-31","anthropic_beta":["interleaved-thinking-2025-05-14"], ' +
        '"max_tokens": 9, "messages":[{"role":"user","content":"\\u0068i"}] , "x":1.0}',
    )
  })

  test('a version and betas in the body give way; betas of header and body are merged, each once', async () => {
    const body = {
      anthropic_version: '2026-10-21',
      anthropic_beta: ['context-1m-2025-08-07', 'effort-2025-11-24'],
    }
    expect(
      await translated(body, { betas: 'effort-2025-11-24, , interleaved-thinking-2025-05-14' }),
    ).toMatchObject({
      anthropic_version: 'bedrock-2023-05-31',
      anthropic_beta: ['effort-2025-11-24', 'interleaved-thinking-2025-05-14', 'context-1m-2025-08-07'],
    })
  })

  test('betas that Bedrock does not know are left out, renamed ones renamed, and none is added', async () => {
    const betas =
      'claude-code-20250219,advanced-tool-use-2025-11-20,per-turn-control-2026-07-01,tool-search-tool-2025-10-19'
    expect((await translated({}, { betas }))['anthropic_beta']).toEqual(['tool-search-tool-2025-10-19'])
    expect(await translated({}, { betas: 'claude-code-20250219' })).not.toHaveProperty('anthropic_beta')
    expect(await translated({})).not.toHaveProperty('anthropic_beta')
  })

  test('the thinking-token count is asked for where the model can count', async () => {
    const betas = 'thinking-token-count-2026-05-13'
    expect((await translated({}, { betas }))['anthropic_beta']).toEqual([betas])
    expect(await translated({}, { betas, to: 'claude-opus-4-6' })).not.toHaveProperty('anthropic_beta')
  })
})

describe('cache_control', () => {
  const control = { type: 'ephemeral', ttl: '1h', scope: 'global' }
  const block = { type: 'text', text: 'x', cache_control: control }
  const everywhere = {
    system: [block],
    tools: [{ name: 't', input_schema: {}, cache_control: control }],
    messages: [
      {
        role: 'user',
        content: [{ type: 'tool_result', tool_use_id: 'i', content: [block], cache_control: control }],
      },
    ],
  }

  test('keeps type and ttl at every depth, and nothing else', async () => {
    const sent = JSON.stringify(await translated(everywhere))
    expect(sent.match(/"cache_control":\{"type":"ephemeral","ttl":"1h"\}/g)).toHaveLength(4)
    expect(sent).not.toContain('scope')
  })

  test('has no ttl before 4.5', async () => {
    const sent = JSON.stringify(await translated(everywhere, { to: 'claude-opus-4-1' }))
    expect(sent.match(/"cache_control":\{"type":"ephemeral"\}/g)).toHaveLength(4)
  })

  test("inside a tool input is the tool's own business", async () => {
    const input = { cache_control: { scope: 'mine' } }
    const messages = [{ role: 'assistant', content: [{ type: 'tool_use', id: 'i', name: 't', input }] }]
    expect((await translated({ messages })).messages).toEqual(messages)
  })
})

describe('what Claude Code sends that Bedrock has not', () => {
  test('the attribution line goes, as a block or as the first line, and the rest stays', async () => {
    const line = 'x-anthropic-billing-header: cc_version=1.2.3;'
    const rest = { type: 'text', text: 'You are helpful.' }
    expect((await translated({ system: [{ type: 'text', text: line }, rest] })).system).toEqual([rest])
    expect((await translated({ system: `${line}\nYou are\nhelpful.` })).system).toBe('You are\nhelpful.')
    expect(await translated({ system: [{ type: 'text', text: line }] })).not.toHaveProperty('system')
    expect((await translated({ system: 'about x-anthropic-billing-header: lines' })).system).toContain(
      'billing',
    )
  })

  test('settings of one message go; a system message that was nothing else goes with them', async () => {
    const messages = [
      user,
      { role: 'system', content: 'be brief', output_config: { effort: 'low' } },
      { role: 'system', content: [], output_config: { effort: 'low' } },
      { role: 'assistant', content: [] },
    ]
    expect((await translated({ messages })).messages).toEqual([
      user,
      { role: 'system', content: 'be brief' },
      { role: 'assistant', content: [] },
    ])
  })

  test('of context edits only compaction stays', async () => {
    const clear = { type: 'clear_thinking_20251015', keep: 'all' }
    const compact = { type: 'compact_20260112' }
    expect(await translated({ context_management: { edits: [clear] } })).not.toHaveProperty(
      'context_management',
    )
    const both = await translated(
      { context_management: { edits: [clear, compact] } },
      { betas: 'compact-2026-01-12' },
    )
    expect(both.context_management).toEqual({ edits: [compact] })
  })

  test('`display` goes for models that cannot show their thinking', async () => {
    const thinking = { type: 'adaptive', display: 'omitted' }
    expect((await translated({ thinking })).thinking).toEqual(thinking)
    expect((await translated({ thinking }, { to: 'claude-opus-4-6' })).thinking).toEqual({ type: 'adaptive' })
  })

  test('a user id that Bedrock refuses becomes a stable pseudonym; one that it takes is left', async () => {
    const id = async (user_id: unknown) => (await translated({ metadata: { user_id } })).metadata.user_id
    const json = JSON.stringify({ device_id: 'd', account: 'me@example.com' })
    expect(await id(json)).toMatch(/^[0-9a-f]{32}$/)
    expect(await id(json)).toBe(await id(json))
    expect(await id(json)).not.toBe(await id(`${json} `))
    expect(await id('user-17_a@b.c')).toBe('user-17_a@b.c')
    expect(await id(null)).toBeNull()
  })
})

describe('what the gateway does not own', () => {
  /** Spelled so that parsing and writing would change it. */
  const awkward = fc.constantFrom(
    '12345678901234567890',
    '1.0',
    '1e400',
    '-0.0',
    '"\\u00e9\\ud83d\\ude00\\/"',
    '{"a":1,"a":2}',
    '{ "b" : [ 1.50 ] }',
    '"thinking \\"quoted\\" \\\\"',
    `${'['.repeat(500)}${']'.repeat(500)}`,
  )
  const thinking = fc.tuple(awkward, awkward).map(([input, extra]) => {
    const signature = `"signature":"${'QUJD'.repeat(20)}=="`
    return [
      `{"type":"thinking","thinking":"a\\u0020b",${signature}}`,
      `{"type":"redacted_thinking","data":"\\/x=="}`,
      `{"signature":"s","type":"thinking" , "thinking":""}`,
      `{"type":"tool_use","id":"toolu_1","name":"n","input":${input},"new_field":${extra}}`,
    ]
  })

  test('arrives byte for byte, in its order, whatever is edited around it', async () => {
    await fc.assert(
      fc.asyncProperty(thinking, awkward, fc.boolean(), async (blocks, extra, edited) => {
        const settings = edited ? ',"output_config":{"effort":"low"}' : ''
        const content = `[${blocks.join(edited ? ' , ' : ',')}]`
        const body =
          `{"model":"m","stream":true,"max_tokens":9,"future_field":${extra},"messages":[{"role":"user","content":"x"},` +
          `{"role":"assistant"${settings},"content":${content}}],"context_management":{"edits":[]},"metadata":{"user_id":"{"}}`
        const sent = await translatedText(body)
        expect(sent).toContain(`"content":${content}`)
        expect(sent).toContain(`"future_field":${extra}`)
        expect(sent).toContain(
          `"messages":[{"role":"user","content":"x"},{"role":"assistant","content":${content}}]`,
        )
      }),
      { numRuns: 300 },
    )
  })

  test('a body of 10 MB is copied, not rewritten', async () => {
    const long = JSON.stringify('a"\\\n'.repeat(2_000_000))
    const body = `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":${long}}]}`
    expect(body.length).toBeGreaterThan(10_000_000)
    const sent = await translatedText(body)
    expect(sent === body.replace('"model":"m"', '"anthropic_version":"bedrock-2023-05-31"')).toBe(true)
  })

  test('a field said twice is taken out twice', async () => {
    const body =
      '{"model":"a","stream":false,"model":"b","max_tokens":9,"messages":[],"messages":[{"role":"system","content":[],"output_config":{}}],"stream":true}'
    expect(await translatedText(body)).toBe(
      '{"anthropic_version":"bedrock-2023-05-31","max_tokens":9,"messages":[],"messages":[]}',
    )
  })
})
