import { describe, expect, test } from 'vitest'
import { fetchToolOf } from '../../src/gateway/servertools/fetchtool.ts'
import { estimateTokens, textOfTokens } from '../../src/protocol/tokens.ts'
import { callOf } from '../providers/call.ts'

const toolIn = async (...tools: unknown[]) =>
  fetchToolOf(await callOf({ model: 'm', messages: [{ role: 'user', content: 'x' }], tools }))
const TOOL = { type: 'web_fetch_20250910', name: 'web_fetch' }

describe('the web fetch tool', () => {
  test.each(['web_fetch_20250910', 'web_fetch_20260209', 'web_fetch_20260309', 'web_fetch_20991231'])(
    'is known in the version %s',
    async (type) => {
      const wish = { max_uses: 3, max_content_tokens: 500, citations: { enabled: true }, use_cache: false }
      expect(await toolIn({ name: 'Bash' }, { ...TOOL, ...wish, type })).toMatchObject({
        maxUses: 3,
        maxContentTokens: 500,
        cited: true,
      })
    },
  )

  test('is not what only sounds like it', async () => {
    expect(await toolIn({ name: 'web_fetch', input_schema: {} })).toBeUndefined()
    expect(await toolIn({ type: 'web_search_20250305', name: 'web_search' })).toBeUndefined()
    expect(await toolIn()).toBeUndefined()
  })

  test('keeps what an ordinary tool may say too', async () => {
    const control = { type: 'ephemeral' }
    const tool = await toolIn({ ...TOOL, cache_control: control, strict: true, max_uses: 2 })
    expect(JSON.parse(tool?.edits[0]?.text ?? '')).toEqual({
      name: 'web_fetch',
      description: expect.any(String),
      input_schema: expect.any(Object),
      cache_control: control,
      strict: true,
    })
  })

  const only = (tools: unknown) => ({ url_sources: { client_tool_results: { type: 'only', tools } } })
  test.each([
    [{ name: 'fetch' }, ".name: Input should be 'web_fetch'"],
    [{ max_uses: 0 }, '.max_uses: Input should be greater than 0'],
    [{ max_content_tokens: -1 }, '.max_content_tokens: Input should be greater than 0'],
    [{ max_content_tokens: '9' }, '.max_content_tokens: Input should be a valid integer'],
    [{ citations: true }, '.citations: Input should be a valid dictionary'],
    [{ citations: { enabled: 'yes' } }, '.citations.enabled: Input should be a valid boolean'],
    [
      { allowed_domains: ['a.example'], blocked_domains: ['b.example'] },
      ': Only one of allowed_domains or blocked_domains may be set.',
    ],
    [{ url_sources: [] }, '.url_sources: Input should be a valid dictionary'],
    [{ url_sources: { system: {} } }, '.url_sources.system: Extra inputs are not permitted'],
    [
      { url_sources: { user_input: { type: 'only', tools: [] } } },
      '.url_sources.user_input.type: Input should be a known kind of source',
    ],
    [only(undefined), '.url_sources.client_tool_results.tools: Input should be a valid list'],
    [only(['Bash']), '.url_sources.client_tool_results.tools.0: Input should be a valid dictionary'],
    [
      only([{ type: 'tool_reference', name: 'Nope' }]),
      '.url_sources.client_tool_results.tools.0.name: No tool of this name is in tools',
    ],
  ])('is refused with %j', async (wish, sentence) => {
    await expect(toolIn({ name: 'Bash' }, { ...TOOL, ...wish })).rejects.toMatchObject({
      type: 'invalid_request_error',
      message: `tools.1.web_fetch_20250910${sentence}`,
    })
  })
})

test.each(['a'.repeat(1_000), 'é'.repeat(1_000), '😀'.repeat(1_000), 'word '.repeat(1_000), 'short', ''])(
  'text is cut to some number of tokens, never inside a character: %.5s',
  (text) => {
    const cut = textOfTokens(text, 100)
    expect(text.startsWith(cut)).toBe(true)
    expect(/[\ud800-\udbff]$/.test(cut)).toBe(false)
    expect(estimateTokens(cut, 5)).toBeLessThanOrEqual(101)
    if (text.length > 100) expect(estimateTokens(cut, 5)).toBeGreaterThan(80)
  },
)
