import { describe, expect, test } from 'vitest'
import { covered, domainFault } from '../../src/gateway/servertools/domains.ts'
import { clientId, modelId } from '../../src/gateway/servertools/names.ts'
import { searchToolOf } from '../../src/gateway/servertools/searchtool.ts'
import { sum } from '../../src/gateway/servertools/usage.ts'
import { callOf } from '../providers/call.ts'

const toolIn = async (...tools: unknown[]) =>
  searchToolOf(await callOf({ model: 'm', messages: [{ role: 'user', content: 'x' }], tools }))
const TOOL = { type: 'web_search_20250305', name: 'web_search' }

describe('the web search tool', () => {
  test.each(['web_search_20250305', 'web_search_20260209', 'web_search_20260318', 'web_search_20991231'])(
    'is known in the version %s',
    async (type) => {
      expect(await toolIn({ name: 'Bash' }, { ...TOOL, type, max_uses: 3 })).toMatchObject({ maxUses: 3 })
    },
  )

  test('is not what only sounds like it', async () => {
    expect(await toolIn({ name: 'web_search', input_schema: {} })).toBeUndefined()
    expect(await toolIn({ type: 'custom', name: 'web_search' })).toBeUndefined()
    expect(await toolIn({ type: 'web_fetch_20250910', name: 'web_fetch' })).toBeUndefined()
    expect(await toolIn()).toBeUndefined()
  })

  test.each([
    [{ name: 'search' }, "name: Input should be 'web_search'"],
    [{ max_uses: 0 }, 'max_uses: Input should be greater than 0'],
    [{ max_uses: 1.5 }, 'max_uses: Input should be a valid integer'],
    [{ max_uses: '3' }, 'max_uses: Input should be a valid integer'],
    [{ allowed_domains: 'a.test' }, 'allowed_domains: Input should be a valid list'],
    [
      { blocked_domains: [] },
      'blocked_domains: Empty list of domains is ambiguous. Provide at least one domain or null.',
    ],
    [{ allowed_domains: ['a.test', 7] }, 'allowed_domains.1: Input should be a valid string'],
    [
      { allowed_domains: ['https://a.test'] },
      'allowed_domains.0: must not include a scheme; write "example.com"',
    ],
    [
      { blocked_domains: ['*.a.test'] },
      'blocked_domains.0: a wildcard may stand in the path only, as in "example.com/*"',
    ],
    [{ user_location: 'Chur' }, 'user_location: Input should be a valid dictionary'],
    [{ user_location: { type: 'exact' } }, "user_location.type: Input should be 'approximate'"],
  ])('is refused with %o', async (wish, sentence) => {
    await expect(toolIn({ name: 'Bash' }, { ...TOOL, ...wish })).rejects.toMatchObject({
      type: 'invalid_request_error',
      status: 400,
      message: `tools.1.web_search_20250305.${sentence}`,
    })
  })

  test('may say which domains, or which not, but not both', async () => {
    const both = { ...TOOL, allowed_domains: ['a.test'], blocked_domains: ['b.test'] }
    await expect(toolIn(both)).rejects.toMatchObject({
      message: 'tools.0.web_search_20250305: Only one of allowed_domains or blocked_domains may be set.',
    })
    expect(await toolIn({ ...both, blocked_domains: null })).toMatchObject({ allowedDomains: ['a.test'] })
  })

  test('says where the user is, as far as it is a place', async () => {
    const place = { type: 'approximate', country: 'Switzerland', city: '', timezone: null, region: 'Grisons' }
    const tool = await toolIn({ ...TOOL, user_location: place })
    expect(tool).toMatchObject({ region: 'Grisons' })
    expect(Object.keys(tool ?? {}).filter((key) => /country|city|timezone/.test(key))).toEqual([])
    expect(await toolIn({ ...TOOL, user_location: null })).toBeDefined()
  })
})

describe('a domain', () => {
  test.each([
    ['example.com', 'https://example.com/', true],
    ['example.com', 'http://docs.EXAMPLE.com./x?y', true],
    ['docs.example.com', 'https://example.com/', false],
    ['www.example.com', 'https://example.com/', false],
    ['example.com', 'https://badexample.com/', false],
    ['example.com', 'https://example.com.evil.test/', false],
    ['example.com', 'https://evil.test/?u=example.com', false],
    ['example.com', 'https://example.com@evil.test/', false],
    ['Example.COM', 'https://example.com/', true],
    ['example.com/blog', 'https://example.com/blog', true],
    ['example.com/blog', 'https://docs.example.com/blog/post-1', true],
    ['example.com/blog', 'https://example.com/blogging', false],
    ['example.com/blog', 'https://example.com/', false],
    ['example.com/blog', 'https://example.com/x/../blog/y', true],
    ['example.com/*', 'https://example.com/anything/at/all', true],
    ['example.com/*/articles', 'https://example.com/en/articles/7', true],
    ['example.com/*/articles', 'https://example.com/en/articlesque/articles', true],
    ['example.com/*/articles', 'https://example.com/en/news', false],
    ['example.com/a*b*c', 'https://example.com/a-b-c/d', true],
    ['example.com/a*b*c', 'https://example.com/a-c-b', false],
    ['xn--bcher-kva.test', 'https://bücher.test/', true],
    ['example.com', 'not a url', false],
  ])('%s and %s: %s', (domain, url, expected) => {
    expect(domainFault(domain)).toBeUndefined()
    expect(covered(url, [domain])).toBe(expected)
  })

  test.each([
    '',
    'exa mple.com',
    'example.com:443',
    'user@example.com',
    '-a.test',
    'а.test',
    'a..b',
    '[::1]',
  ])('“%s” is none', (domain) => {
    expect(domainFault(domain)).toBeDefined()
  })

  test('takes no longer the more wildcards it has', () => {
    const before = performance.now()
    expect(covered(`https://example.com/${'a/'.repeat(5_000)}`, [`example.com/${'*a'.repeat(500)}*b`])).toBe(
      false,
    )
    expect(performance.now() - before).toBeLessThan(200)
  })
})

describe('a search has two names', () => {
  test.each([
    ['toolu_bdrk_01AbC', 'srvtoolu_bdrk_01AbC', 'toolu_bdrk_01AbC'],
    ['tooluse_x-y', 'srvtoolu_tooluse_x_y', 'toolu_tooluse_x_y'],
    ['', 'srvtoolu_', 'toolu_'],
  ])('%s', (upstream, client, back) => {
    expect(clientId(upstream)).toBe(client)
    expect(modelId(client)).toBe(back)
  })

  test('of which the model’s is always one that upstreams take', () => {
    for (const odd of ['', '!', 'a b', 'é'.repeat(300), 'srvtoolu_"'])
      expect(modelId(odd)).toMatch(/^[A-Za-z0-9_-]{1,128}$/)
  })
})

test('usage adds up, wherever its figures stand', () => {
  const one = { input_tokens: 1, cache_creation: { ephemeral_5m_input_tokens: 2 }, service_tier: 'standard' }
  const other = {
    input_tokens: 10,
    cache_creation: { ephemeral_1h_input_tokens: 3 },
    output_tokens: 4,
    odd: null,
  }
  expect(sum(one, other)).toEqual({
    input_tokens: 11,
    cache_creation: { ephemeral_5m_input_tokens: 2, ephemeral_1h_input_tokens: 3 },
    output_tokens: 4,
  })
})
