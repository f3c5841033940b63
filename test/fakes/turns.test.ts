/** What Bedrock refuses in a conversation, the fake refuses. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FakeBedrock, startFakeBedrock } from './bedrock.ts'
import { OPUS, post, said, verdict } from './caller.ts'
import type { Thing } from './json.ts'

let fake: FakeBedrock
beforeAll(async () => {
  fake = await startFakeBedrock()
})
afterAll(() => fake.close())

const HAIKU = 'us.anthropic.claude-haiku-4-5-20251001-v1:0'
const OLD = 'us.anthropic.claude-sonnet-4-20250514-v1:0'
const OPUS_47 = 'us.anthropic.claude-opus-4-7'
const TOOL = { name: 'Bash', input_schema: { type: 'object' } }
const USE = { type: 'tool_use', id: 'toolu_1', name: 'Bash', input: {} }
const RESULT = { type: 'tool_result', tool_use_id: 'toolu_1', content: 'ok' }
const EPHEMERAL = { type: 'ephemeral' }

function marked(ttl?: string): Thing {
  return { type: 'text', text: 'words', cache_control: ttl ? { ...EPHEMERAL, ttl } : EPHEMERAL }
}

function asked(more: Thing): Thing {
  return said('hi', more)
}

function talk(...messages: Thing[]): Thing {
  return said('', { messages })
}

const user = (content: unknown): Thing => ({ role: 'user', content })
const assistant = (content: unknown): Thing => ({ role: 'assistant', content })

test.each<[string, string, Thing, string]>([
  [
    'cache scope in a message',
    OPUS,
    said([{ type: 'text', text: 'b', cache_control: { ...EPHEMERAL, scope: 'global' } }]),
    'messages.0.content.0.text.cache_control.ephemeral.scope: Extra inputs are not permitted',
  ],
  [
    'an hour on an old model',
    OLD,
    said([marked('1h')]),
    'messages.0.content.0.text.cache_control.ephemeral.ttl: Extra inputs are not permitted',
  ],
  [
    'a day',
    OPUS,
    said([marked('1d')]),
    "messages.0.content.0.text.cache_control.ephemeral.ttl: Input should be '5m' or '1h'",
  ],
  [
    'five breakpoints',
    OPUS,
    said([marked(), marked(), marked(), marked(), marked()]),
    'A maximum of 4 blocks with cache_control may be provided. Found 5.',
  ],
  [
    'an hour after five minutes',
    OPUS,
    asked({ system: [marked()], messages: [user([marked('1h')])] }),
    "a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block. Note that blocks are processed in the following order: `tools`, `system`, `messages`.",
  ],
  [
    'output_config on a message',
    OPUS,
    talk({ ...user('a'), output_config: { effort: 'low' } }),
    'messages.0.output_config: Extra inputs are not permitted',
  ],
  [
    'a system turn before 4.8',
    OPUS_47,
    talk(user('a'), { role: 'system', content: 'b' }),
    "messages.1.role: Input should be 'user' or 'assistant'",
  ],
  [
    'an empty system turn',
    OPUS,
    talk(user('a'), { role: 'system', content: [] }),
    'messages.1: all messages must have non-empty content except for the optional final assistant message',
  ],
  ['an empty prompt', OPUS, talk(user('')), 'messages.0: user messages must have non-empty content'],
  [
    'an empty text block',
    OPUS,
    said([{ type: 'text', text: '' }]),
    'messages: text content blocks must be non-empty',
  ],
  [
    'a reference to no tool',
    OPUS,
    asked({
      anthropic_beta: ['tool-search-tool-2025-10-19'],
      tools: [TOOL],
      messages: [
        user('a'),
        assistant([USE]),
        user([{ ...RESULT, content: [{ type: 'tool_reference', tool_name: 'Gone' }] }]),
      ],
    }),
    "Tool reference 'Gone' not found in available tools",
  ],
  [
    'an image by address',
    OPUS,
    said([{ type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } }]),
    "messages.0.content.0.image.source: Input tag 'url' found using 'type' does not match any of the expected tags: 'base64'",
  ],
  [
    'an image that is none',
    OPUS,
    said([{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } }]),
    'messages.0.content.0.image.source.base64.data: Could not process image',
  ],
  [
    'a call without a result',
    OPUS,
    talk(user('a'), assistant([USE]), user('b')),
    'messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_1. Each `tool_use` block must have a corresponding `tool_result` block in the next message.',
  ],
  [
    'a result without a call',
    OPUS,
    talk(user('a'), assistant('b'), user([RESULT])),
    'messages.2.content.0: unexpected `tool_use_id` found in `tool_result` blocks: toolu_1. Each `tool_result` block must have a corresponding `tool_use` block in the previous message.',
  ],
  [
    'words before a result',
    OPUS,
    talk(user('a'), assistant([USE]), user([{ type: 'text', text: 'b' }, RESULT])),
    'messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_1. Each `tool_use` block must have a corresponding `tool_result` block in the next message.',
  ],
  [
    'foreign thinking',
    OPUS,
    talk(user('a'), assistant([{ type: 'thinking', thinking: 'b', signature: 'Zm9yZWlnbg==' }]), user('c')),
    'messages.1.content.0: Invalid `signature` in `thinking` block',
  ],
  [
    'unsigned thinking',
    OPUS,
    talk(user('a'), assistant([{ type: 'thinking', thinking: 'b' }]), user('c')),
    'messages.1.content.0.thinking.signature: Field required',
  ],
  [
    'words put in its mouth',
    OPUS,
    talk(user('a'), assistant('b')),
    'This model does not support assistant message prefill. The conversation must end with a user message.',
  ],
  ['more than the window', HAIKU, said('x'.repeat(900_000)), 'Input is too long for requested model.'],
])('%s', async (_, modelId, body, message) => {
  expect(await verdict(await post(fake, body, { modelId }))).toBe(`400 ValidationException: ${message}`)
})

test.each<[string, string, Thing]>([
  ['a system turn with a breakpoint', OPUS, talk(user('a'), { role: 'system', content: [marked()] })],
  [
    'a system turn at the end',
    OPUS,
    asked({
      tools: [TOOL],
      messages: [user('a'), assistant([USE]), user([RESULT]), { role: 'system', content: 'b' }],
    }),
  ],
  ['an hour, then five minutes', OPUS, asked({ system: [marked('1h')], messages: [user([marked()])] })],
  [
    'results in any order, then words',
    OPUS,
    asked({
      tools: [TOOL],
      messages: [
        user('a'),
        assistant([USE, { ...USE, id: 'toolu_2' }]),
        user([{ ...RESULT, tool_use_id: 'toolu_2' }, RESULT, { type: 'text', text: 'b' }]),
      ],
    }),
  ],
  [
    'results over two messages',
    OPUS,
    asked({
      tools: [TOOL],
      messages: [
        user('a'),
        assistant([USE, { ...USE, id: 'toolu_2' }]),
        user([RESULT]),
        user([{ ...RESULT, tool_use_id: 'toolu_2' }]),
      ],
    }),
  ],
])('%s: accepted', async (_, modelId, body) => {
  expect(await verdict(await post(fake, body, { modelId }))).toBe('200')
})
