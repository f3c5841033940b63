/** Engines with an API of their own: what they are sent, and how they answer. */
import { describe, expect, test } from 'vitest'
import { searchWith } from './web.ts'

const key = { settings: { apiKey: 'a-key' } }

describe('Tavily', () => {
  const ANSWER = {
    query: 'alpine marmots',
    follow_up_questions: null,
    answer: null,
    images: [],
    results: [
      {
        url: 'https://en.wikipedia.test/wiki/Alpine_marmot',
        title: 'Alpine marmot',
        content: 'The alpine marmot is a large ground-dwelling squirrel.',
        score: 0.93,
        raw_content: null,
      },
      {
        url: 'https://news.test/marmots',
        title: 'Marmots wake',
        content: 'Early.',
        score: 0.5,
        published_date: 'Mon, 06 Apr 2026 08:00:00 GMT',
      },
      { title: 'no address', content: 'x' },
    ],
    response_time: 1.1,
    request_id: '00000000-0000-4000-8000-000000000000',
  }

  test('is asked and answers', async () => {
    const { results, asked } = await searchWith('tavily', { json: ANSWER }, key)
    expect(asked.method).toBe('POST')
    expect(asked.url.href).toBe('https://api.tavily.com/search')
    expect(asked.headers.get('authorization')).toBe('Bearer a-key')
    expect(asked.headers.get('content-type')).toBe('application/json')
    expect(JSON.parse(asked.body)).toEqual({
      query: 'alpine marmots',
      search_depth: 'basic',
      max_results: 10,
    })
    expect(results).toEqual([
      {
        url: 'https://en.wikipedia.test/wiki/Alpine_marmot',
        title: 'Alpine marmot',
        snippet: 'The alpine marmot is a large ground-dwelling squirrel.',
      },
      {
        url: 'https://news.test/marmots',
        title: 'Marmots wake',
        snippet: 'Early.',
        pageAge: 'Mon, 06 Apr 2026 08:00:00 GMT',
      },
    ])
  })

  test('finds nothing', async () => {
    expect((await searchWith('tavily', { json: { ...ANSWER, results: [] } }, key)).results).toEqual([])
  })

  test('is told domains by their hosts, but blocks none for the sake of a path', async () => {
    const allowed = { allowedDomains: ['a.test', 'b.test/docs'] }
    const { asked } = await searchWith('tavily', { json: ANSWER }, { ...key, query: allowed })
    expect(JSON.parse(asked.body)).toMatchObject({ include_domains: ['a.test', 'b.test'] })
    const blocked = { blockedDomains: ['a.test', 'b.test/docs', 'c.test/*'] }
    const other = await searchWith('tavily', { json: ANSWER }, { ...key, query: blocked })
    expect(JSON.parse(other.asked.body)).toMatchObject({ exclude_domains: ['a.test', 'c.test'] })
  })

  test.each([
    ['US', 'united states'],
    ['CH', 'switzerland'],
    ['GB', 'united kingdom'],
    ['ZZ', undefined],
  ])('knows the country %s as %s', async (country, name) => {
    const { asked } = await searchWith('tavily', { json: ANSWER }, { ...key, query: { country } })
    expect(JSON.parse(asked.body).country).toBe(name)
  })
})

describe('Serper', () => {
  const ANSWER = {
    searchParameters: { q: 'alpine marmots', type: 'search', num: 10, engine: 'google' },
    knowledgeGraph: { title: 'Alpine marmot', type: 'Animal' },
    organic: [
      {
        title: 'Alpine marmot - Wikipedia',
        link: 'https://en.wikipedia.test/wiki/Alpine_marmot',
        snippet: 'The alpine marmot is a large ground-dwelling squirrel.',
        sitelinks: [
          { title: 'Description', link: 'https://en.wikipedia.test/wiki/Alpine_marmot#Description' },
        ],
        position: 1,
      },
      {
        title: 'Marmots wake',
        link: 'https://news.test/marmots',
        snippet: 'Early.',
        date: '3 days ago',
        position: 2,
      },
    ],
    peopleAlsoAsk: [],
    relatedSearches: [],
    credits: 1,
  }

  test('is asked and answers', async () => {
    const { results, asked } = await searchWith(
      'serper',
      { json: ANSWER },
      { ...key, query: { country: 'CH', count: 20 } },
    )
    expect(asked.method).toBe('POST')
    expect(asked.url.href).toBe('https://google.serper.dev/search')
    expect(asked.headers.get('x-api-key')).toBe('a-key')
    expect(JSON.parse(asked.body)).toEqual({ q: 'alpine marmots', num: 10, gl: 'ch' })
    expect(results).toEqual([
      {
        url: 'https://en.wikipedia.test/wiki/Alpine_marmot',
        title: 'Alpine marmot - Wikipedia',
        snippet: 'The alpine marmot is a large ground-dwelling squirrel.',
      },
      { url: 'https://news.test/marmots', title: 'Marmots wake', snippet: 'Early.', pageAge: '3 days ago' },
    ])
  })

  test.each([
    [{ allowedDomains: ['a.test'] }, 'alpine marmots site:a.test'],
    [{ allowedDomains: ['a.test', 'b.test/x/*'] }, 'alpine marmots (site:a.test OR site:b.test/x)'],
    [{ blockedDomains: ['a.test', 'b.test'] }, 'alpine marmots -site:a.test -site:b.test'],
  ])('is told domains in the question: %o', async (query, q) => {
    const { asked } = await searchWith('serper', { json: ANSWER }, { ...key, query })
    expect(JSON.parse(asked.body).q).toBe(q)
  })
})

describe('Brave', () => {
  const ANSWER = {
    type: 'search',
    query: { original: 'alpine marmots', more_results_available: true },
    web: {
      type: 'search',
      results: [
        {
          title: 'Alpine marmot &amp; friends',
          url: 'https://en.wikipedia.test/wiki/Alpine_marmot',
          is_source_local: false,
          description: 'The <strong>alpine marmot</strong> is a squirrel &#x27;of sorts&#x27;.',
          page_age: '2026-04-06T08:00:00',
          age: 'April 6, 2026',
          language: 'en',
          extra_snippets: ['It whistles.', 'It sleeps.'],
        },
        { title: 'Plain', url: 'https://plain.test/', description: 'Yes.' },
      ],
      family_friendly: true,
    },
  }

  test('is asked and answers', async () => {
    const { results, asked } = await searchWith('brave', { json: ANSWER }, key)
    expect(asked.method).toBe('GET')
    expect(asked.url.origin + asked.url.pathname).toBe('https://api.search.brave.com/res/v1/web/search')
    expect(Object.fromEntries(asked.url.searchParams)).toEqual({
      q: 'alpine marmots',
      count: '10',
      result_filter: 'web',
      text_decorations: 'false',
      extra_snippets: 'true',
    })
    expect(asked.headers.get('x-subscription-token')).toBe('a-key')
    expect(results).toEqual([
      {
        url: 'https://en.wikipedia.test/wiki/Alpine_marmot',
        title: 'Alpine marmot & friends',
        snippet: "The alpine marmot is a squirrel 'of sorts'.\nIt whistles.\nIt sleeps.",
        pageAge: 'April 6, 2026',
      },
      { url: 'https://plain.test/', title: 'Plain', snippet: 'Yes.' },
    ])
  })

  test('finds nothing: then its answer has no web in it', async () => {
    expect((await searchWith('brave', { json: { type: 'search', query: {} } }, key)).results).toEqual([])
  })

  test('is told where the user is, as far as a header can', async () => {
    const query = { country: 'JP', city: '東京', region: 'Tokyo', timezone: 'Asia/Tokyo' }
    const { asked } = await searchWith('brave', { json: ANSWER }, { ...key, query })
    expect(asked.headers.get('x-loc-country')).toBe('JP')
    expect(asked.headers.get('x-loc-state-name')).toBe('Tokyo')
    expect(asked.headers.get('x-loc-timezone')).toBe('Asia/Tokyo')
    expect(asked.headers.has('x-loc-city')).toBe(false)
  })

  test('takes no more than it takes: then the domains are left to the gateway', async () => {
    const domains = Array.from({ length: 60 }, (_, index) => `domain-${index}.test`)
    for (const allowedDomains of [domains, domains.slice(0, 26)]) {
      const { asked } = await searchWith('brave', { json: ANSWER }, { ...key, query: { allowedDomains } })
      expect(asked.url.searchParams.get('q')).toBe('alpine marmots')
    }
  })
})

describe('SearXNG', () => {
  const ANSWER = {
    query: 'alpine marmots',
    number_of_results: 0,
    results: [
      {
        url: 'https://en.wikipedia.test/wiki/Alpine_marmot',
        title: 'Alpine marmot',
        content: 'A large ground-dwelling squirrel.',
        publishedDate: '2026-04-06T08:00:00',
        engine: 'duckduckgo',
        engines: ['duckduckgo', 'brave'],
        score: 4,
        category: 'general',
      },
      { url: 'https://plain.test/', title: 'Plain', publishedDate: null, engine: 'brave' },
    ],
    answers: [],
    suggestions: [],
    unresponsive_engines: [['google', 'CAPTCHA']],
  }
  const at = (url: string, more = {}) => ({ settings: { url, ...more } })

  test.each([
    ['https://searx.test', 'https://searx.test/search'],
    ['https://searx.test/', 'https://searx.test/search'],
    ['http://localhost:8888/searx/', 'http://localhost:8888/searx/search'],
    ['https://searx.test/search', 'https://searx.test/search'],
  ])('at %s is asked and answers', async (address, endpoint) => {
    const { results, asked } = await searchWith('searxng', { json: ANSWER }, at(address))
    expect(asked.method).toBe('GET')
    expect(asked.url.origin + asked.url.pathname).toBe(endpoint)
    expect(Object.fromEntries(asked.url.searchParams)).toEqual({
      q: 'alpine marmots',
      format: 'json',
      categories: 'general',
      language: 'auto',
    })
    expect(asked.headers.get('user-agent')).toBe('Outcrop')
    expect(results).toEqual([
      {
        url: 'https://en.wikipedia.test/wiki/Alpine_marmot',
        title: 'Alpine marmot',
        snippet: 'A large ground-dwelling squirrel.',
        pageAge: '2026-04-06T08:00:00',
      },
      { url: 'https://plain.test/', title: 'Plain', snippet: '' },
    ])
  })

  test('searches in the language and the categories it is set to', async () => {
    const { asked } = await searchWith(
      'searxng',
      { json: ANSWER },
      at('https://searx.test', { language: 'de', categories: 'science' }),
    )
    expect(asked.url.searchParams.get('language')).toBe('de')
    expect(asked.url.searchParams.get('categories')).toBe('science')
  })

  test('finds nothing; but where none of its engines answers, that is not nothing', async () => {
    const none = { ...ANSWER, results: [], unresponsive_engines: [] }
    expect((await searchWith('searxng', { json: none }, at('https://searx.test'))).results).toEqual([])
    const silent = { ...ANSWER, results: [] }
    await expect(searchWith('searxng', { json: silent }, at('https://searx.test'))).rejects.toMatchObject({
      code: 'unavailable',
    })
  })

  test.each(['', 'searx.test', undefined])('without an address is unavailable: %s', async (url) => {
    const settings = url === undefined ? {} : { url }
    await expect(searchWith('searxng', { json: ANSWER }, { settings })).rejects.toMatchObject({
      code: 'unavailable',
    })
  })
})

describe('a custom engine', () => {
  const settings = { url: 'https://search.test/query?v=1', token: 'a-token' }

  test('is asked in our own words, and answers in them', async () => {
    const page = { url: 'https://a.test', title: 'A', snippet: 'a', page_age: '2 days ago' }
    const query = { allowedDomains: ['a.test'], country: 'CH', city: 'Chur' }
    const { results, asked } = await searchWith('custom', { json: { results: [page] } }, { settings, query })
    expect(asked.method).toBe('POST')
    expect(asked.url.href).toBe(settings.url)
    expect(asked.headers.get('authorization')).toBe('Bearer a-token')
    expect(JSON.parse(asked.body)).toEqual({
      query: 'alpine marmots',
      count: 10,
      allowed_domains: ['a.test'],
      country: 'CH',
      city: 'Chur',
    })
    expect(results).toEqual([{ url: 'https://a.test', title: 'A', snippet: 'a', pageAge: '2 days ago' }])
  })

  test('may answer a bare list, under the names others use', async () => {
    const json = [
      { link: 'https://a.test', name: 'A', content: 'a', date: 'today' },
      { url: 'https://b.test', title: 'B', description: 'b' },
      'nonsense',
    ]
    const { results, asked } = await searchWith('custom', { json }, { settings: { url: settings.url } })
    expect(asked.headers.has('authorization')).toBe(false)
    expect(results).toEqual([
      { url: 'https://a.test', title: 'A', snippet: 'a', pageAge: 'today' },
      { url: 'https://b.test', title: 'B', snippet: 'b' },
    ])
  })

  test('without an address is unavailable', async () => {
    await expect(searchWith('custom', { json: [] })).rejects.toMatchObject({ code: 'unavailable' })
  })
})
