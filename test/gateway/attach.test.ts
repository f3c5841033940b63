import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, test, vi } from 'vitest'
import type { EgressLent } from '../../src/egress.ts'
import { ATTACH_CAPS, type AttachCaps, attach } from '../../src/gateway/attach.ts'
import { pinnedEgress } from '../../src/host/egress.ts'
import { toBase64 } from '../../src/protocol/base64.ts'
import { outline, parse, type Shape } from '../../src/protocol/json.ts'
import { mediaTypeOfBytes } from '../../src/protocol/media.ts'
import { callOf } from '../providers/call.ts'

const latin = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0))
const FILES = {
  'image/png': latin('\x89PNG\r\n\x1a\n0000'),
  'image/jpeg': latin('\xff\xd8\xff\xe0....JFIF'),
  'image/gif': latin('GIF89a......'),
  'image/webp': latin('RIFF\x10\0\0\0WEBPVP8 '),
  'application/pdf': latin('%PDF-1.7 some'),
}
type Kind = keyof typeof FILES
const base64 = (kind: Kind) => ({ type: 'base64', media_type: kind, data: toBase64(FILES[kind]) })

interface Page {
  status?: number
  type?: string
  body?: Uint8Array
  location?: string
  after?: Promise<unknown>
}

/** A public web of these pages; `https://files.example/png` and its like are there already. */
function web(pages: Record<string, Page> = {}) {
  const all: Record<string, Page> = { ...pages }
  for (const [type, body] of Object.entries(FILES)) {
    all[`https://files.example/${type.split('/')[1]}`] ??= { type, body }
  }
  const seen: string[] = []
  const state = { now: 0, most: 0, signals: [] as AbortSignal[], accepts: [] as (string | null)[] }
  const lent: EgressLent = {
    pins: true,
    loopback: false,
    resolve: async (name) => (name.startsWith('inside.') ? ['10.0.0.1'] : ['1.1.1.1']),
    async send({ url, signal, headers }) {
      seen.push(url.href)
      state.signals.push(signal)
      state.accepts.push(headers.get('accept'))
      state.most = Math.max(state.most, ++state.now)
      const page = all[url.href] ?? { status: 404 }
      await page.after
      await new Promise((resolve) => setTimeout(resolve, 2))
      state.now--
      const said = new Headers()
      if (page.type) said.set('content-type', page.type)
      if (page.location) said.set('location', page.location)
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          controller.enqueue(page.body ?? new Uint8Array())
          controller.close()
        },
      })
      return { status: page.status ?? 200, headers: said, body }
    },
  }
  return { lent: { egress: lent, limits: { bodyBytes: 1_000_000 } }, seen, state }
}

const capped = (caps: Partial<AttachCaps>) => ({ caps: { ...ATTACH_CAPS, ...caps } })
const from = (url: string) => ({ type: 'url', url })
const image = (url = 'https://files.example/png') => ({ type: 'image', source: from(url) })
const document = (url = 'https://files.example/pdf') => ({ type: 'document', source: from(url), title: 'T' })
const asking = (...content: unknown[]) => ({
  model: 'claude-opus-5-5',
  max_tokens: 9,
  messages: [{ role: 'user', content }],
})

async function attached(body: unknown, { lent } = web()) {
  const call = await attach(await callOf(body), lent)
  return parse<unknown>(call.body, call.outline)
}

describe('a URL in a call', () => {
  test('is replaced by what it leads to, and nothing else in the call is touched', async () => {
    const source = '{ "url" : "https://files.example/p\\u006eg", "type":"url" }'
    const text = (inside: string) =>
      `{ "model":"claude-opus-5-5","messages":[{"role":"user","content":[{"type":"text","text":"a\\u0062"},` +
      `{"type":"image","source":${inside},"n":12345678901234567890}]}], "x":1.0 }`
    const call = await attach(await callOf(text(source)), web().lent)
    const data = toBase64(FILES['image/png'])
    expect(new TextDecoder().decode(call.body)).toBe(
      text(`{"type":"base64","media_type":"image/png","data":"${data}"}`),
    )
    expect(call.model).toBe('claude-opus-5-5')
  })

  test('is found wherever blocks may stand', async () => {
    const result = {
      type: 'tool_result',
      tool_use_id: 't',
      content: [{ type: 'text', text: 'x' }, image(), document()],
    }
    const inner = {
      type: 'document',
      source: { type: 'content', content: [{ type: 'text', text: 'é' }, image()] },
    }
    const png = { type: 'image', source: base64('image/png') }
    const pdf = { type: 'document', source: base64('application/pdf'), title: 'T' }
    const { messages } = (await attached(asking(image(), result, inner, document()))) as { messages: unknown }
    expect(messages).toEqual([
      {
        role: 'user',
        content: [
          png,
          { ...result, content: [{ type: 'text', text: 'x' }, png, pdf] },
          { type: 'document', source: { type: 'content', content: [{ type: 'text', text: 'é' }, png] } },
          pdf,
        ],
      },
    ])
  })

  test('is found the same way in an outline that has looked into the sources already', async () => {
    const inner = {
      type: 'document',
      source: { type: 'content', content: [{ type: 'text', text: 'é' }, image()] },
    }
    const call = await callOf(asking({ type: 'tool_result', content: [image()] }, inner))
    const source: Shape = { content: [{ type: true, source: {} }] }
    const block: Shape = { type: true, source, content: [{ type: true, source }] }
    const deeper = { ...call, outline: outline(call.body, { messages: [{ content: [block] }] }) }
    const { lent } = web()
    expect((await attach(deeper, lent)).body).toEqual((await attach(call, lent)).body)
  })

  test.each(Object.keys(FILES) as Kind[])('%s goes by what its bytes are', async (kind) => {
    const url = 'https://files.example/file'
    for (const type of [kind, '', 'application/octet-stream']) {
      const block = kind === 'application/pdf' ? document(url) : image(url)
      const answer = await attached(asking(block), web({ [url]: { type, body: FILES[kind] } }))
      expect(answer).toEqual(asking({ ...block, source: base64(kind) }))
    }
  })

  test('an image that says it is another kind of image is what its bytes are', async () => {
    const url = 'https://files.example/file'
    const answer = await attached(
      asking(image(url)),
      web({ [url]: { type: 'image/png', body: FILES['image/gif'] } }),
    )
    expect(answer).toEqual(asking({ ...image(url), source: base64('image/gif') }))
  })

  test('is fetched once though it be named often, a few at a time', async () => {
    const pages: Record<string, Page> = {}
    for (let index = 0; index < 10; index++) {
      pages[`https://files.example/${index}`] = { type: 'image/png', body: FILES['image/png'] }
    }
    const { lent, seen, state } = web(pages)
    const blocks = [...Object.keys(pages), ...Object.keys(pages)].map((url) => image(url))
    await attach(await callOf(asking(...blocks)), { ...lent, ...capped({ atOnce: 3 }) })
    expect(seen.toSorted()).toEqual(Object.keys(pages).toSorted())
    expect(state.most).toBe(3)
  })

  test('is asked for by the types it may have, and followed where it redirects', async () => {
    const moved = { status: 302, location: 'https://other.example/png' }
    const { lent, state } = web({
      'https://files.example/moved': moved,
      'https://other.example/png': { type: 'image/png', body: FILES['image/png'] },
    })
    await attach(await callOf(asking(image('https://files.example/moved'), document())), lent)
    expect(new Set(state.accepts)).toEqual(
      new Set(['image/jpeg, image/png, image/gif, image/webp', 'application/pdf']),
    )
  })
})

describe('a call without URLs', () => {
  test.each([
    ['text only', { ...asking(), messages: [{ role: 'user', content: 'https://files.example/png' }] }],
    [
      'base64',
      asking({ type: 'image', source: base64('image/png') }, { type: 'document', source: { type: 'text' } }),
    ],
    [
      'a large image',
      asking({ type: 'image', source: { ...base64('image/png'), data: 'A'.repeat(100_000) } }),
    ],
    ['a file', asking({ type: 'image', source: { type: 'file', file_id: 'f' } })],
    [
      'an odd source',
      asking({ type: 'image', source: 'url' }, { type: 'image', source: null }, { type: 'image' }),
    ],
    ['a tool input that looks like an image', asking({ type: 'tool_use', input: image() })],
    ['a search result', asking({ type: 'search_result', source: 'https://files.example/png', content: [] })],
    ['a block of another type', asking({ ...image(), type: 'audio' })],
    ['no blocks', { ...asking(), messages: [{ role: 'user', content: [1, null, 'x', []] }] }],
  ])('comes back as it is: %s', async (_, body) => {
    const { lent, seen } = web()
    const call = await callOf(body)
    expect(await attach(call, lent)).toBe(call)
    expect(seen).toEqual([])
  })
})

describe('a URL that cannot be had is named by its place', () => {
  const url = 'https://files.example/file'
  const notImage = 'The URL does not lead to a JPEG, PNG, GIF or WebP image.'
  const notPdf = 'The URL does not lead to a PDF document.'

  test.each([
    [image('http://files.example/png'), {}, 'The URL must start with https://.'],
    [image('https://127.0.0.1/png'), {}, 'The URL does not lead to a public address.'],
    [image('https://inside.example/png'), {}, 'The URL does not lead to a public address.'],
    [image('not a url'), {}, 'This is not a URL that can be fetched.'],
    [image(''), {}, 'This is not a URL that can be fetched.'],
    [image('https://files.example/none'), {}, 'The URL answers with status 404.'],
    [image(url), { status: 500 }, 'The URL answers with status 500.'],
    [
      image(url),
      { status: 302, location: 'https://169.254.169.254/' },
      'The URL does not lead to a public address.',
    ],
    [image(url), { status: 302, location: url }, 'The URL redirects to another one, which is not followed.'],
    [image(url), { type: 'text/html', body: FILES['image/png'] }, notImage],
    [image(url), { type: 'image/png', body: latin('<html>') }, notImage],
    [image(url), { type: 'image/svg+xml', body: latin('<svg>') }, notImage],
    [image(url), { type: 'image/png', body: new Uint8Array() }, notImage],
    [image(url), { type: 'application/pdf', body: FILES['application/pdf'] }, notImage],
    [document(url), { type: 'image/png', body: FILES['image/png'] }, notPdf],
    [document(url), { type: 'text/plain', body: latin('text') }, notPdf],
    [document(url), { type: 'application/pdf', body: latin('text') }, notPdf],
  ])('%j where the web says %j', async (block, page, sentence) => {
    const body = asking({ type: 'text', text: 'x' }, { type: 'tool_result', content: [block] })
    await expect(attached(body, web({ [url]: page }))).rejects.toMatchObject({
      type: 'invalid_request_error',
      status: 400,
      message: `messages.0.content.1.content.0.source: ${sentence}`,
    })
  })

  test('inside a document, too', async () => {
    const body = asking({
      type: 'document',
      source: { type: 'content', content: [image('https://10.0.0.1/')] },
    })
    await expect(attached(body)).rejects.toThrow(/^messages\.0\.content\.0\.source\.content\.0\.source: /)
  })

  test('a URL that is no text', async () => {
    const body = asking({ type: 'image', source: { type: 'url', url: 7 } })
    await expect(attached(body)).rejects.toThrow(
      'messages.0.content.0.source.url: Input should be a valid string',
    )
  })
})

describe('caps', () => {
  test('too many URLs are refused before the first is fetched', async () => {
    const { lent, seen } = web()
    const call = await callOf(asking(image(), image(), image()))
    await expect(attach(call, { ...lent, ...capped({ files: 2 }) })).rejects.toThrow(
      'messages.0.content.2.source: At most 2 URLs can be fetched for one request.',
    )
    expect(seen).toEqual([])
  })

  const big = new Uint8Array(40_000)
  big.set(FILES['image/png'])
  const pages = Object.fromEntries(
    ['a', 'b', 'c'].map((name) => [`https://files.example/${name}`, { type: 'image/png', body: big }]),
  )
  const three = asking(...Object.keys(pages).map((url) => image(url)))

  test('one file over its cap', async () => {
    const { lent } = web(pages)
    await expect(attach(await callOf(three), { ...lent, ...capped({ fileBytes: 39_999 }) })).rejects.toThrow(
      'messages.0.content.0.source: The URL answers with more than 39999 bytes.',
    )
  })

  test.each([
    ['several files over what a request may be', three],
    ['one file named often', asking(...Array.from({ length: 50 }, () => image('https://files.example/a')))],
  ])('%s', async (_, body) => {
    const { lent } = web(pages)
    const limits = { bodyBytes: 150_000 }
    await expect(attach(await callOf(body), { ...lent, limits })).rejects.toMatchObject({
      type: 'request_too_large',
      message: 'Request exceeds the maximum size of 150000 bytes once its URLs are fetched.',
    })
  })

  test('fetching ends with the file that is too much', async () => {
    const urls = Array.from({ length: 20 }, (_, index) => `https://files.example/${index}`)
    const { lent, seen } = web(Object.fromEntries(urls.map((url) => [url, { type: 'image/png', body: big }])))
    const call = await callOf(asking(...urls.map((url) => image(url))))
    const bounds = { limits: { bodyBytes: 150_000 }, ...capped({ atOnce: 1 }) }
    await expect(attach(call, { ...lent, ...bounds })).rejects.toMatchObject({ type: 'request_too_large' })
    expect(seen).toHaveLength(3)
  })

  test('all together have so much time, and the first failure ends the others', async () => {
    const never = new Promise<never>(() => {})
    const slow = web({ 'https://files.example/slow': { after: never } })
    const call = await callOf(asking(image('https://files.example/slow')))
    await expect(attach(call, { ...slow.lent, ...capped({ timeout: 30 }) })).rejects.toMatchObject({
      type: 'invalid_request_error',
    })
    const one = web({ 'https://files.example/slow': { after: never } })
    const two = await callOf(asking(image('https://files.example/slow'), image('https://files.example/none')))
    await expect(attach(two, one.lent)).rejects.toThrow('messages.0.content.1.source: ')
    await vi.waitFor(() => expect(one.state.signals.map(({ aborted }) => aborted)).toEqual([true, true]))
  })

  test('a client that hangs up ends the fetching', async () => {
    const client = new AbortController()
    const { lent, state } = web({ 'https://files.example/slow': { after: new Promise(() => {}) } })
    const call = { ...(await callOf(asking(image('https://files.example/slow')))), signal: client.signal }
    const fetching = attach(call, lent)
    await vi.waitFor(() => expect(state.signals).toHaveLength(1))
    client.abort()
    await expect(fetching).rejects.toThrow('nobody waits')
    await vi.waitFor(() => expect(state.signals.every(({ aborted }) => aborted)).toBe(true))
  })
})

test('through real sockets, where loopback is allowed', async () => {
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'image/webp' }).end(FILES['image/webp'])
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/a.webp`
  try {
    const call = await callOf(asking(image(url)))
    const limits = { bodyBytes: 1_000_000 }
    const done = await attach(call, { egress: pinnedEgress({ loopback: true }), limits })
    expect(parse(done.body, done.outline)).toEqual(asking({ ...image(url), source: base64('image/webp') }))
    await expect(attach(call, { egress: pinnedEgress({ loopback: false }), limits })).rejects.toThrow(
      'https://',
    )
  } finally {
    server.close()
  }
})

test('a PDF may begin with other things, an image may not', () => {
  expect(mediaTypeOfBytes(latin(`${'x'.repeat(1_000)}%PDF-`))).toBe('application/pdf')
  expect(mediaTypeOfBytes(latin(`${'x'.repeat(1_024)}%PDF-`))).toBeUndefined()
  expect(mediaTypeOfBytes(latin(' GIF89a'))).toBeUndefined()
})
