/** Below the request: bodies too large, headers by the thousand, and bytes that are not HTTP. */
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import { text as readText } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FakeBedrock, startFakeBedrock } from '../fakes/bedrock.ts'
import { slow } from '../fakes/steps.ts'
import { ask, expectRefusal, hello } from './caller.ts'
import { flood } from './flood.ts'
import { type Gateway, startGateway } from './gateway.ts'
import { head, raw } from './raw.ts'

let fake: FakeBedrock
let gateway: Gateway
let key: string
beforeAll(async () => {
  fake = await startFakeBedrock()
  gateway = await startGateway({ bedrock: fake, env: { LOG_LEVEL: 'debug' } })
  key = (await gateway.makeKey()).key
})
afterAll(async () => {
  await gateway.clear()
  await fake.close()
})

const withKey = () => ({ 'x-api-key': key })
const TOO_LARGE = /exceeds the maximum size of 25000000 bytes/
const LIMIT = 25_000_000
const LARGE = 26_000_000
const PIECE = Buffer.alloc(65_536, 0x20)

function* pieces(count: number, wrap = (piece: Buffer) => piece): Generator<Buffer> {
  for (let sent = 0; sent < count; sent += PIECE.length) yield wrap(PIECE)
}

function* withHead(first: string, rest: Iterable<Buffer>): Generator<Buffer> {
  yield Buffer.from(first)
  yield* rest
}

function asChunk(piece: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')])
}

describe('a body of 26 MB', () => {
  test('said in content-length: refused before it is sent whole', async () => {
    const first = head('/v1/messages', [`x-api-key: ${key}`, `content-length: ${LARGE}`])
    const answer = await raw(gateway.port, withHead(first, pieces(LARGE)))
    await expectRefusal(answer, 413, 'request_too_large', TOO_LARGE)
    expect(answer.sent).toBeLessThan(LARGE / 2)
  })

  test('said in content-length, without a key: the key is what it is refused for', async () => {
    const first = head('/v1/messages', [`content-length: ${LARGE}`])
    const answer = await raw(gateway.port, withHead(first, pieces(LARGE)))
    await expectRefusal(answer, 401, 'authentication_error', /No key was sent/)
    expect(answer.sent).toBeLessThan(LARGE / 2)
  })

  test('in chunks: refused when it has become too large', async () => {
    const first = head('/v1/messages', [`x-api-key: ${key}`, 'transfer-encoding: chunked'])
    const answer = await raw(gateway.port, withHead(first, pieces(LARGE * 2, asChunk)))
    await expectRefusal(answer, 413, 'request_too_large', TOO_LARGE)
    expect(answer.sent).toBeGreaterThan(LIMIT)
    expect(answer.sent).toBeLessThan(LARGE * 2)
  })

  test('a usual client that sends first and listens later hears of it too', async () => {
    const answer = await ask(gateway, ' '.repeat(LARGE), withKey())
    await expectRefusal(answer, 413, 'request_too_large', TOO_LARGE)
  })

  test('the admin API draws its line at a megabyte', async () => {
    const headers = [`authorization: Bearer ${gateway.adminToken}`, 'content-type: application/json']
    const first = head('/admin/keys', [...headers, 'content-length: 1000001'])
    const answer = await raw(gateway.port, withHead(first, pieces(1_000_001)))
    await expectRefusal(answer, 413, 'request_too_large', /at most 1000000 bytes/)
  })

  test('the limit itself is let in, one byte more is not', async () => {
    const body = (length: number) => JSON.stringify(hello({ model: 'none' })).padEnd(length, ' ')
    const just = await ask(gateway, body(LIMIT), withKey())
    await expectRefusal(just, 404, 'not_found_error', /'none' is not available/)
    await expectRefusal(await ask(gateway, body(LIMIT + 1), withKey()), 413, 'request_too_large', TOO_LARGE)
  })
})

describe('what is not HTTP', () => {
  const post = '/v1/messages'
  const NOT_HTTP = /not an HTTP request/
  const bad: [string, string | Buffer, RegExp][] = [
    ['words', 'hello, is anybody there?\r\n\r\n', NOT_HTTP],
    ['the hello of TLS', Buffer.from('16030100c8010000c40303', 'hex'), NOT_HTTP],
    ['HTTP of another age', 'GET / HTTP/9.9\r\nhost: x\r\n\r\n', NOT_HTTP],
    ['a header without a colon', head(post, ['nonsense']), NOT_HTTP],
    ['a blank before the colon', head(post, ['x-api-key : x']), NOT_HTTP],
    ['a NUL in a header', head(post, ['x-name: a\0b']), NOT_HTTP],
    ['a length that is no number', head(post, ['content-length: many']), NOT_HTTP],
    ['two lengths', head(post, ['content-length: 1', 'content-length: 2']), NOT_HTTP],
    ['a length and chunks', head(post, ['content-length: 5', 'transfer-encoding: chunked']), NOT_HTTP],
    ['no host', 'GET /ready HTTP/1.1\r\n\r\n', /host/i],
    ['a host that is none', 'GET /ready HTTP/1.1\r\nhost: a b\r\n\r\n', /host/i],
    ['an expectation nobody has', head(post, ['expect: a-miracle', 'content-length: 0']), /expect/i],
    ['a backslash in the path', 'GET /v1\\models HTTP/1.1\r\nhost: x\r\n\r\n', /./],
    ['a path that is none', 'GET v1/models HTTP/1.1\r\nhost: x\r\n\r\n', /./],
    ['every path', 'OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n', /./],
  ]
  test.each(bad)('%s gets 400 in the envelope', async (_, sending, sentence) => {
    const answer = await raw(gateway.port, sending)
    expect([400, 404, 417]).toContain(answer.status)
    await expectRefusal(
      answer,
      answer.status,
      answer.status === 404 ? 'not_found_error' : 'invalid_request_error',
      sentence,
    )
  })

  test('chunks that are none, behind a good head', async () => {
    const sending = `${head(post, [`x-api-key: ${key}`, 'transfer-encoding: chunked'])}zz\r\n`
    await expectRefusal(await raw(gateway.port, sending), 400, 'invalid_request_error', /./)
  })

  test('TRACE and a request to become a web socket are refused like any unknown request', async () => {
    const trace = await raw(gateway.port, head(post, [], 'TRACE'))
    await expectRefusal(trace, 405, 'invalid_request_error', /TRACE is not answered/)
    const upgrade = head('/v1/models', ['connection: upgrade', 'upgrade: websocket'], 'GET')
    await expectRefusal(await raw(gateway.port, upgrade), 401, 'authentication_error', /No key/)
  })

  test('a URL without end is refused for its length', async () => {
    const answer = await raw(gateway.port, head(`/v1/models?${'a'.repeat(100_000)}`, [], 'GET'))
    await expectRefusal(answer, 431, 'request_too_large', /65536 bytes/)
    expect(answer.reason).toBe('Request Header Fields Too Large')
  })

  test('nonsense behind a request that is being answered does not get into its answer', async () => {
    fake.script({ kind: 'answer', pace: 100 })
    const body = JSON.stringify(hello({ stream: true }))
    const good = head(post, [`x-api-key: ${key}`, `content-length: ${Buffer.byteLength(body)}`]) + body
    const socket = connect(gateway.port, '127.0.0.1')
    socket.write(good)
    await once(socket, 'readable')
    socket.write('nonsense\r\n\r\n')
    setTimeout(() => socket.destroySoon(), 3_000)
    const heard = await readText(socket)
    expect(heard).toContain('200 OK')
    expect(heard).not.toContain('not an HTTP request')
  })

  test('callers that leave in the middle of a head or a body harm nobody', async () => {
    const halves = [
      head(post).slice(0, 30),
      `${head(post, [`x-api-key: ${key}`, 'content-length: 99'])}{"mod`,
    ]
    for (const half of halves) await leaving(half)
    expect((await ask(gateway, hello(), withKey())).status).toBe(200)
  })
})

test('a refusal leaves the connection in order: the next request on it, a slow one, is answered whole', async () => {
  const admin = { authorization: `Bearer ${gateway.adminToken}` }
  const refused: [path: string, headers: Record<string, string>, body: string][] = [
    ['/v1/messages', {}, JSON.stringify(hello())],
    ['/v1/messages', {}, JSON.stringify(hello({ more: 'x'.repeat(1_000_000) }))],
    ['/v1/messages', withKey(), 'words'],
    ['/v1/messages', withKey(), ' '.repeat(LARGE)],
    ['/nowhere', {}, JSON.stringify(hello())],
    ['/ready', {}, JSON.stringify(hello())],
    ['/admin/keys', {}, '{}'],
    ['/admin/keys', { ...admin, 'content-type': 'application/json' }, ' '.repeat(1_000_001)],
  ]
  fake.script(...refused.map(() => slow(120)))
  const outcomes = refused.map(async ([path, headers, body]) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const first = await post(agent, path, headers, body)
    const second = await post(agent, '/v1/messages', withKey(), JSON.stringify(hello({ stream: true })))
    agent.destroy()
    return `${first.status} then ${second.status} ${second.text.includes('message_stop')}`
  })
  const statuses = [401, 401, 400, 413, 404, 405, 401, 413]
  expect(await Promise.all(outcomes)).toEqual(statuses.map((status) => `${status} then 200 true`))
})

/** One request on a connection of the agent's. A connection that breaks is told as status 0. */
function post(agent: Agent, path: string, headers: Record<string, string>, body: string) {
  return new Promise<{ status: number; text: string }>((resolve) => {
    const { port } = gateway
    const sent = request(
      { host: '127.0.0.1', port, method: 'POST', path, agent, headers },
      async (answer) => {
        const text = await readText(answer).catch(String)
        resolve({ status: answer.statusCode ?? 0, text })
      },
    )
    sent.once('error', (error) => resolve({ status: 0, text: error.message }))
    sent.end(body)
  })
}

describe('headers', () => {
  test('ten thousand in one request: refused where they are too long, read where they are not', async () => {
    const many = Array.from({ length: 10_000 }, (_, index) => `x-${index}: ${index}`)
    const long = await raw(gateway.port, head('/v1/models', [`x-api-key: ${key}`, ...many], 'GET'))
    await expectRefusal(long, 431, 'request_too_large', /65536 bytes/)
    const short = Array.from({ length: 10_000 }, () => 'a:')
    const read = await raw(gateway.port, head('/v1/models', [...short, `x-api-key: ${key}`], 'GET'))
    expect(read.status).toBe(200)
  })

  test('ten thousand requests with random ones: answered in good time, never with a failure', async () => {
    const begun = Date.now()
    const counts = await flood(gateway.port, key, 10_000)
    console.info('random headers', counts, `${Date.now() - begun} ms`)
    expect(Object.keys(counts).filter((status) => !EXPECTED.has(status))).toEqual([])
    expect(Object.values(counts).reduce((total, count) => total + count)).toBe(10_000)
    expect(Date.now() - begun).toBeLessThan(60_000)
  }, 90_000)
})

/** Sends and hangs up. */
async function leaving(half: string): Promise<void> {
  const socket = connect(gateway.port, '127.0.0.1')
  await once(socket, 'connect')
  await new Promise((resolve) => socket.write(half, resolve))
  socket.destroy()
  await once(socket, 'close')
}

test('after all this it is well, and has complained of nothing', async () => {
  expect(gateway.isRunning()).toBe(true)
  expect(gateway.stderr()).toBe('')
  expect(gateway.stdout()).not.toMatch(/"level":"error"/)
  expect((await gateway.spend()).filter(({ status }) => status === 'pending')).toEqual([])
})

const EXPECTED = new Set(['200', '204', '400', '401', '403', '404', '405', '413', '431'])
