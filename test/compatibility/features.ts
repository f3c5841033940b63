/** The features of the Messages API that Claude Code and others use, each as a request that carries it. */

export interface Feature {
  name: string
  /** Laid over a plain request. */
  body?: Record<string, unknown>
  betas?: readonly string[]
  /** What of `x-outcrop-removed` is this feature, should it be there. */
  traces?: readonly string[]
}

const tool = {
  name: 'look',
  description: 'Looks.',
  input_schema: { type: 'object', properties: { at: { type: 'string' } } },
}
const mark = { cache_control: { type: 'ephemeral' } }
const text = (words: string, more: object = {}) => ({ type: 'text', text: words, ...more })
const user = (content: unknown, more: object = {}) => ({ role: 'user', content, ...more })
/** One red pixel. */
const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=='
const schema = {
  type: 'object',
  properties: { title: { type: 'string' } },
  required: ['title'],
  additionalProperties: false,
}

export const FEATURES: readonly Feature[] = [
  { name: 'plain text' },
  {
    name: 'system prompt, cached for five minutes',
    body: { system: [text('Be brief.', mark)] },
    traces: ['cache_control'],
  },
  {
    name: 'cached for an hour',
    body: { system: [text('Be brief.', { cache_control: { type: 'ephemeral', ttl: '1h' } })] },
    betas: ['extended-cache-ttl-2025-04-11'],
    traces: ['cache_control.ttl'],
  },
  {
    name: 'cache scope',
    body: { system: [text('Be brief.', { cache_control: { type: 'ephemeral', scope: 'global' } })] },
    betas: ['prompt-caching-scope-2026-01-05'],
    traces: ['cache_control.scope'],
  },
  { name: 'automatic caching', body: { ...mark, messages: [user([text('hi')])] }, traces: ['cache_control'] },
  { name: 'tools', body: { tools: [tool] } },
  {
    name: 'forced tool',
    body: { tools: [tool], tool_choice: { type: 'tool', name: 'look' } },
    traces: ['tool_choice'],
  },
  {
    name: 'tool search',
    body: { tools: [tool, { ...tool, name: 'later', defer_loading: true }] },
    betas: ['advanced-tool-use-2025-11-20'],
    traces: ['tools.*.defer_loading'],
  },
  { name: 'strict tools', body: { tools: [{ ...tool, strict: true }] }, traces: ['tools.*.strict'] },
  {
    name: 'tool examples',
    body: { tools: [{ ...tool, input_examples: [{ at: 'this' }] }] },
    betas: ['tool-examples-2025-10-29'],
    traces: ['tools.*.input_examples'],
  },
  { name: 'streamed tool input', body: { tools: [{ ...tool, eager_input_streaming: true }] } },
  {
    name: 'adaptive thinking',
    body: { thinking: { type: 'adaptive' } },
    betas: ['interleaved-thinking-2025-05-14'],
    traces: ['thinking'],
  },
  {
    name: 'thinking with a budget',
    body: { thinking: { type: 'enabled', budget_tokens: 2_000 } },
    traces: ['thinking'],
  },
  { name: 'no thinking', body: { thinking: { type: 'disabled' } }, traces: ['thinking'] },
  {
    name: 'thinking not shown',
    body: { thinking: { type: 'adaptive', display: 'omitted' } },
    traces: ['thinking.display', 'thinking'],
  },
  {
    name: 'effort',
    body: { output_config: { effort: 'high' } },
    betas: ['effort-2025-11-24'],
    traces: ['output_config.effort'],
  },
  {
    name: 'effort of one turn',
    body: { messages: [user('hi', { output_config: { effort: 'low' } })] },
    betas: ['per-turn-control-2026-07-01'],
    traces: ['messages.*.output_config'],
  },
  {
    name: 'structured output',
    body: { output_config: { format: { type: 'json_schema', schema } } },
    betas: ['structured-outputs-2025-12-15'],
    traces: ['output_config.format'],
  },
  {
    name: 'context editing',
    body: {
      thinking: { type: 'adaptive' },
      context_management: { edits: [{ type: 'clear_thinking_20251015', keep: 'all' }] },
    },
    betas: ['context-management-2025-06-27'],
    traces: ['context_management'],
  },
  {
    name: 'compaction',
    body: { context_management: { edits: [{ type: 'compact_20260112' }] } },
    betas: ['compact-2026-01-12'],
    traces: ['context_management'],
  },
  {
    name: 'system turns',
    body: { messages: [user('hi'), { role: 'system', content: [text('Be brief.', mark)] }] },
    betas: ['mid-conversation-system-2026-04-07'],
  },
  {
    name: 'checks of dangerous tool use',
    body: { tools: [tool], safeguards: [{ type: 'dangerous_tool_use' }] },
    betas: ['dangerous-tool-use-2026-09-03'],
    traces: ['safeguards'],
  },
  {
    name: 'a million tokens of context',
    betas: ['context-1m-2025-08-07'],
    traces: ['context-1m-2025-08-07'],
  },
  { name: 'sampling', body: { temperature: 0.5 }, traces: ['temperature'] },
  {
    name: 'images',
    body: {
      messages: [
        user([
          { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PIXEL } },
          text('hi'),
        ]),
      ],
    },
  },
  { name: "the user's id", body: { metadata: { user_id: '{"device_id":"d"}' } } },
  {
    name: 'the attribution line',
    body: { system: [text('x-anthropic-billing-header: cc_version=1.2.3;'), text('Be brief.')] },
  },
  { name: 'service tier', body: { service_tier: 'auto' }, traces: ['service_tier'] },
]
