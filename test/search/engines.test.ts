/** What every engine has in common: how it is described, and what becomes of its failures. */
import { describe, expect, test } from 'vitest'
import { SearchError } from '../../src/search/engine.ts'
import { engines } from '../../src/search/index.ts'
import { QUERY, searchWith } from './web.ts'

const SETTINGS = { apiKey: 'k', token: 't', url: 'https://search.test' }

test('there are six, each under its own name', () => {
  expect(Object.keys(engines)).toEqual(['brave', 'custom', 'duckduckgo', 'searxng', 'serper', 'tavily'])
  for (const [kind, engine] of Object.entries(engines)) expect(engine.kind).toBe(kind)
})

test('their settings are described so that a form can be drawn, and secrets be kept', () => {
  for (const { fields } of Object.values(engines)) {
    for (const { name, label } of fields) expect([name, label]).not.toContain('')
    expect(new Set(fields.map(({ name }) => name)).size).toBe(fields.length)
  }
  const named = (flag: 'secret' | 'required' | 'url') =>
    Object.values(engines).flatMap(({ kind, fields }) =>
      fields.filter((field) => field[flag]).map(({ name }) => `${kind}.${name}`),
    )
  expect(named('secret')).toEqual(['brave.apiKey', 'custom.token', 'serper.apiKey', 'tavily.apiKey'])
  expect(named('required')).toEqual([
    'brave.apiKey',
    'custom.url',
    'searxng.url',
    'serper.apiKey',
    'tavily.apiKey',
  ])
  expect(named('url')).toEqual(['custom.url', 'searxng.url'])
})

describe.each(Object.keys(engines))('%s', (kind) => {
  const failure = async (answer: Parameters<typeof searchWith>[1]) => {
    const error: unknown = await searchWith(kind, answer, { settings: SETTINGS }).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    expect(error).toBeInstanceOf(SearchError)
    return error as SearchError
  }

  test('has too many requests to answer', async () => {
    expect((await failure({ status: 429, text: 'slow down' })).code).toBe('too_many_requests')
  })

  test.each([301, 400, 401, 403, 404, 422, 432, 500, 503])('answers %i', async (status) => {
    const { code, message } = await failure({ status, text: 'alpine marmots' })
    expect(code).toBe('unavailable')
    expect(message).toBe(`the engine answered ${status}`)
  })

  test('cannot be reached', async () => {
    expect((await failure(new TypeError('fetch failed'))).code).toBe('unavailable')
  })

  test.each([
    ['nothing', { text: '' }],
    ['half a JSON', { text: '{"results": [' }],
    ['another page', { text: '<html><body>Welcome to the hotel network</body></html>' }],
    ['JSON of another shape', { json: { data: {} } }],
    ['a text', { json: 'alpine marmots' }],
    ['null', { json: null }],
    ['results that are no list', { json: { results: {}, organic: 7, web: { results: 'x' } } }],
  ])('answers %s', async (_, answer) => {
    expect((await failure(answer)).code).toBe('unavailable')
  })

  test('answers without end', async () => {
    expect((await failure({ text: 'x'.repeat(4_100_000) })).message).toBe('the engine answered too much')
  })

  test('never says in its errors what was asked', async () => {
    for (const answer of [{ text: QUERY.query }, { status: 500, text: QUERY.query }]) {
      expect((await failure(answer)).message).not.toContain('marmots')
    }
  })
})
