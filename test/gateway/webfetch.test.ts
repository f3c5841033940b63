import { describe, expect, test } from 'vitest'
import type { EgressLent } from '../../src/egress.ts'
import { FETCH_LIMITS, type FetchedPage, fetchPage } from '../../src/gateway/webfetch.ts'

const URL_OF = 'https://site.example/page'
const now = () => Date.UTC(2026, 10, 20)

function web(answer: () => Response | Promise<Response>) {
  const egress: EgressLent = {
    pins: true,
    loopback: false,
    resolve: async (name) => (name.startsWith('inside.') ? ['10.0.0.1'] : ['1.1.1.1']),
    send: async () => answer(),
  }
  return { egress, now }
}

const page = (body: string | Uint8Array<ArrayBuffer>, type?: string, status = 200) =>
  web(() => {
    const response = new Response(body, { status })
    if (type === undefined) response.headers.delete('content-type')
    else response.headers.set('content-type', type)
    return response
  })

const plain = (data: string) => ({ type: 'text', media_type: 'text/plain', data })

describe('a page', () => {
  test.each([
    ['<title>T</title><p>Hi', 'text/html; charset=utf-8', 'T', plain('Hi')],
    ['<p>Hi', 'application/xhtml+xml', undefined, plain('Hi')],
    ['<p>Hi', 'text/plain', undefined, plain('<p>Hi')],
    ['# Hi', 'Text/Markdown', undefined, plain('# Hi')],
    ['{"a":1}', 'application/json', undefined, plain('{"a":1}')],
    ['{"a":1}', 'application/ld+json', undefined, plain('{"a":1}')],
    ['<html><p>Hi', undefined, undefined, plain('Hi')],
    ['just text', undefined, undefined, plain('just text')],
    [
      '%PDF-1.7',
      'application/pdf',
      undefined,
      { type: 'base64', media_type: 'application/pdf', data: 'JVBERi0xLjc=' },
    ],
    [
      '%PDF-1.7',
      undefined,
      undefined,
      { type: 'base64', media_type: 'application/pdf', data: 'JVBERi0xLjc=' },
    ],
  ])('%j as %j becomes what a document block takes', async (body, type, title, source) => {
    expect(await fetchPage(URL_OF, page(body, type))).toEqual({
      url: URL_OF,
      title,
      source,
      mediaType: expect.stringMatching(/^[a-z]+\/[a-z+]+$/) as string,
      retrievedAt: '2026-11-20T00:00:00.000Z',
    })
  })

  test.each([
    ['text/html; charset=iso-8859-1', '<p>é'],
    ['text/html', '<meta charset="latin1"><p>é'],
    ['text/html; charset=bogus', '<p>é'],
  ])('%s is read in the encoding it names', async (type, body) => {
    const isOdd = type.includes('bogus')
    const bytes = isOdd ? new TextEncoder().encode(body) : Uint8Array.from(body, (each) => each.charCodeAt(0))
    expect(await fetchPage(URL_OF, page(bytes, type))).toMatchObject({ source: { data: 'é' } })
  })

  test('that is long is cut, never inside a character', async () => {
    const limits = { ...FETCH_LIMITS, characters: 3 }
    const cut = (await fetchPage(URL_OF, page('ab😀', 'text/plain'), limits)) as FetchedPage
    expect(cut.source.data).toBe('ab')
  })
})

describe('a code', () => {
  test.each([
    ['invalid_tool_input', 'not a url', page('x', 'text/plain')],
    ['invalid_tool_input', 'file:///etc/passwd', page('x', 'text/plain')],
    ['url_too_long', `https://site.example/${'x'.repeat(230)}`, page('x', 'text/plain')],
    ['url_not_accessible', 'http://site.example/', page('x', 'text/plain')],
    ['url_not_accessible', 'https://127.0.0.1/', page('x', 'text/plain')],
    ['url_not_accessible', 'https://inside.example/', page('x', 'text/plain')],
    ['url_not_accessible', URL_OF, page('x', 'text/plain', 404)],
    ['url_not_accessible', URL_OF, page('x', 'text/plain', 500)],
    ['url_not_accessible', URL_OF, web(() => Promise.reject(new Error('ECONNRESET')))],
    ['too_many_requests', URL_OF, page('x', 'text/plain', 429)],
    ['unsupported_content_type', URL_OF, page('x', 'image/png')],
    ['unsupported_content_type', URL_OF, page('x', 'application/zip')],
    ['unsupported_content_type', URL_OF, page('x', 'application/pdf')],
    ['unsupported_content_type', URL_OF, page('a\0b')],
    ['content_too_large', URL_OF, page(new Uint8Array(FETCH_LIMITS.bytes + 1), 'text/plain')],
    ['unavailable', URL_OF, { ...page('x', 'text/plain'), now: () => Number.NaN }],
  ])('%s for %.40s', async (code, url, lent) => {
    expect(await fetchPage(url, lent)).toBe(code)
  })
})
