/** What Bedrock refuses in a body, the fake refuses: the path of the first thing wrong, and Bedrock's sentence. */
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
const SONNET = 'us.anthropic.claude-sonnet-4-6'
const OPUS_5 = 'us.anthropic.claude-opus-5'
const TOOL = { name: 'Bash', input_schema: { type: 'object' } }
const EPHEMERAL = { type: 'ephemeral' }

function asked(more: Thing): Thing {
  return said('hi', more)
}

const user = (content: unknown): Thing => ({ role: 'user', content })

test.each<[string, string, Thing, string]>([
  ['model', OPUS, asked({ model: 'claude-opus-5-5' }), 'model: Extra inputs are not permitted'],
  ['stream', OPUS, asked({ stream: true }), 'stream: Extra inputs are not permitted'],
  ['no version', OPUS, { max_tokens: 1, messages: [] }, 'anthropic_version: Field required'],
  [
    'another version',
    OPUS,
    asked({ anthropic_version: '2023-06-01' }),
    "anthropic_version: Input should be 'bedrock-2023-05-31'",
  ],
  [
    'no max_tokens',
    OPUS,
    { anthropic_version: 'bedrock-2023-05-31', messages: [user('a')] },
    'max_tokens: Field required',
  ],
  [
    'too much room',
    HAIKU,
    asked({ max_tokens: 64_001 }),
    'max_tokens: 64001 > 64000, which is the maximum allowed number of output tokens for claude-haiku-4-5-20251001',
  ],
  [
    'no messages',
    OPUS,
    asked({ messages: [] }),
    'messages: List should have at least 1 item after validation, not 0',
  ],
  ['speed', OPUS, asked({ speed: 'fast' }), 'speed: Extra inputs are not permitted'],
  [
    'context management',
    OPUS,
    asked({ context_management: { edits: [{ type: 'clear_thinking_20251015' }] } }),
    'context_management: Extra inputs are not permitted',
  ],
  [
    'another edit than compaction',
    OPUS,
    asked({
      anthropic_beta: ['compact-2026-01-12'],
      context_management: { edits: [{ type: 'clear_thinking_20251015' }] },
    }),
    "context_management.edits.0: Input tag 'clear_thinking_20251015' found using 'type' does not match any of the expected tags: 'compact_20260112'",
  ],
  ['an unknown beta', OPUS, asked({ anthropic_beta: ['something-2027-01-01'] }), 'invalid beta flag'],
  [
    "the client's own beta",
    OPUS,
    asked({ anthropic_beta: ['advanced-tool-use-2025-11-20'] }),
    'invalid beta flag',
  ],
  [
    'a beta of newer models',
    SONNET,
    asked({ anthropic_beta: ['thinking-token-count-2026-05-13'] }),
    'invalid beta flag',
  ],
  [
    'safeguards without their beta',
    OPUS,
    asked({ safeguards: [] }),
    'safeguards: Extra inputs are not permitted',
  ],
  [
    'cache scope in system',
    OPUS,
    asked({
      system: [
        { type: 'text', text: 'a' },
        { type: 'text', text: 'b', cache_control: { ...EPHEMERAL, scope: 'global' } },
      ],
    }),
    'system.1.cache_control.ephemeral.scope: Extra inputs are not permitted',
  ],
  [
    'cache_control for all',
    OPUS,
    asked({ cache_control: EPHEMERAL }),
    'cache_control: Extra inputs are not permitted',
  ],
  [
    'the attribution line',
    OPUS,
    asked({ system: [{ type: 'text', text: 'x-anthropic-billing-header: cc_version=1;' }] }),
    'x-anthropic-billing-header is a reserved keyword and may not be used in the system prompt.',
  ],
  [
    'a deferred tool without its beta',
    OPUS,
    asked({ tools: [TOOL, { ...TOOL, name: 'B', defer_loading: true }] }),
    'tools.1.custom.defer_loading: Extra inputs are not permitted',
  ],
  [
    'a strict tool',
    OPUS,
    asked({ tools: [{ ...TOOL, strict: true }] }),
    'tools.0.custom.strict: Extra inputs are not permitted',
  ],
  [
    'eager input streaming',
    OPUS,
    asked({ tools: [{ ...TOOL, eager_input_streaming: true }] }),
    'tools.0.custom.eager_input_streaming: Extra inputs are not permitted',
  ],
  [
    'a server tool',
    OPUS,
    asked({ tools: [{ type: 'web_search_20250305', name: 'web_search', max_uses: 8 }] }),
    "tools.0: tool type 'web_search_20250305' is not supported for this model",
  ],
  ['two tools of one name', OPUS, asked({ tools: [TOOL, TOOL] }), 'tools: Tool names must be unique.'],
  [
    'a fixed budget on a new model',
    OPUS,
    asked({ thinking: { type: 'enabled', budget_tokens: 2_000 } }),
    'thinking.type.enabled is not supported for this model. Use thinking.type.adaptive and output_config.effort to control thinking behavior.',
  ],
  [
    'adaptive thinking on an old model',
    HAIKU,
    asked({ thinking: { type: 'adaptive' } }),
    'adaptive thinking is not supported on this model',
  ],
  [
    'no thinking where it never stops',
    OPUS,
    asked({ thinking: { type: 'disabled' } }),
    'thinking.type.disabled is not supported for this model.',
  ],
  [
    'display on an old model',
    SONNET,
    asked({ thinking: { type: 'adaptive', display: 'omitted' } }),
    'thinking.adaptive.display: Extra inputs are not permitted',
  ],
  [
    'a budget beyond max_tokens',
    HAIKU,
    asked({ thinking: { type: 'enabled', budget_tokens: 4_096 } }),
    '`max_tokens` must be greater than `thinking.budget_tokens`.',
  ],
  [
    'effort on an old model',
    HAIKU,
    asked({ output_config: { effort: 'high' } }),
    'This model does not support the effort parameter.',
  ],
  [
    'a format on a new model',
    OPUS,
    asked({ output_config: { format: { type: 'json_schema', schema: {} } } }),
    'output_config.format: Extra inputs are not permitted',
  ],
  [
    'a cool head on a new model',
    OPUS_5,
    asked({ temperature: 0.2 }),
    '`temperature` is deprecated for this model.',
  ],
  [
    'a user id in JSON',
    OPUS,
    asked({ metadata: { user_id: '{"session":"x"}' } }),
    'Request metadata contains a value that violates the regular expression ^[A-Za-z0-9_.@ -]{0,256}$',
  ],
  [
    'a forced tool while thinking',
    OPUS,
    asked({ tools: [TOOL], tool_choice: { type: 'any' } }),
    'Thinking may not be enabled when tool_choice forces tool use.',
  ],
  [
    'more than the window with its answer',
    HAIKU,
    said('x'.repeat(700_000), { max_tokens: 64_000 }),
    'input length and `max_tokens` exceed context limit: 175005 + 64000 > 200000, decrease input length or `max_tokens` and try again',
  ],
])('%s', async (_, modelId, body, message) => {
  expect(await verdict(await post(fake, body, { modelId }))).toBe(`400 ValidationException: ${message}`)
})

test.each<[string, string, Thing]>([
  [
    "the client's Bedrock betas",
    OPUS,
    asked({
      anthropic_beta: [
        'interleaved-thinking-2025-05-14',
        'tool-search-tool-2025-10-19',
        'thinking-token-count-2026-05-13',
        'dangerous-tool-use-2026-09-03',
      ],
    }),
  ],
  [
    'deferred tools with their beta',
    OPUS,
    asked({
      anthropic_beta: ['tool-search-tool-2025-10-19'],
      tools: [TOOL, { ...TOOL, name: 'B', defer_loading: true }],
    }),
  ],
  [
    'effort',
    OPUS,
    asked({ thinking: { type: 'adaptive', display: 'omitted' }, output_config: { effort: 'medium' } }),
  ],
  ['a fixed budget on an old model', HAIKU, asked({ thinking: { type: 'enabled', budget_tokens: 2_000 } })],
  [
    'a forced tool on Haiku 5.5',
    'global.anthropic.claude-haiku-5-5',
    asked({ tools: [TOOL], tool_choice: { type: 'any' } }),
  ],
  [
    'a format on Sonnet 4.6',
    SONNET,
    asked({ output_config: { format: { type: 'json_schema', schema: { type: 'object' } } } }),
  ],
])('%s: accepted', async (_, modelId, body) => {
  expect(await verdict(await post(fake, body, { modelId }))).toBe('200')
})
