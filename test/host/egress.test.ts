/** The guard with real sockets: servers, name servers and certificates, all on loopback, which is allowed here. */
import { createSocket } from 'node:dgram'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { afterEach, describe, expect, test } from 'vitest'
import { type EgressWish, egress } from '../../src/egress.ts'
import { pinnedEgress } from '../../src/host/egress.ts'
import { certificateFor } from '../fakes/certificate.ts'

const WISH: EgressWish = { timeout: 3_000, maxBytes: 100_000 }
const NAME = 'pictures.example'
const { cert, key } = certificateFor([NAME])

const open: { close(): unknown }[] = []
afterEach(() => {
  for (const each of open.splice(0)) each.close()
})

interface Started {
  port: number
  seen: IncomingMessage[]
  connections: () => number
  closed: () => Promise<void>
}

async function started(
  server: Server,
  address: string,
  port: number,
  seen: IncomingMessage[],
): Promise<Started> {
  let connections = 0
  let live = 0
  server.on('connection', (socket) => {
    connections++
    live++
    socket.on('close', () => live--)
  })
  await new Promise<void>((resolve) => server.listen(port, address, resolve))
  open.push(server)
  return {
    port: (server.address() as AddressInfo).port,
    seen,
    connections: () => connections,
    closed: () => expect.poll(() => live).toBe(0),
  }
}

function web(answer: RequestListener, address = '127.0.0.1', port = 0): Promise<Started> {
  const seen: IncomingMessage[] = []
  return started(
    createServer((request, response) => {
      seen.push(request)
      answer(request, response)
    }),
    address,
    port,
    seen,
  )
}

/** Names that clients ask for are noted as they come: when a connection is over, not every runtime still knows. */
async function secure(answer: RequestListener): Promise<Started & { names: unknown[] }> {
  const seen: IncomingMessage[] = []
  const names: unknown[] = []
  const server = createTlsServer({ cert, key }, (request, response) => {
    seen.push(request)
    names.push((request.socket as TLSSocket & { servername?: string }).servername)
    answer(request, response)
  })
  return { ...(await started(server, '127.0.0.1', 0, seen)), names }
}

/** A name server: for every question about IPv4 the next address, the last one for ever; of IPv6 it knows nothing. */
async function nameServer(...addresses: string[]) {
  const socket = createSocket('udp4')
  const asked: string[] = []
  socket.on('message', (question, { address, port }) => {
    const labels: string[] = []
    let at = 12
    for (let length = question[at] ?? 0; length > 0; length = question[at] ?? 0) {
      labels.push(question.toString('latin1', at + 1, at + 1 + length))
      at += length + 1
    }
    const isFour = question.readUInt16BE(at + 1) === 1
    const answer = isFour ? (addresses[asked.length] ?? addresses.at(-1)) : undefined
    if (isFour) asked.push(labels.join('.'))
    const header = Buffer.from(question.subarray(0, 12))
    header.writeUInt16BE(0x8180, 2)
    header.writeUInt16BE(answer ? 1 : 0, 6)
    header.writeUInt32BE(0, 8)
    const record = answer ? [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, ...answer.split('.').map(Number)] : []
    socket.send(Buffer.concat([header, question.subarray(12, at + 5), Buffer.from(record)]), port, address)
  })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  open.push(socket)
  return { at: `127.0.0.1:${socket.address().port}`, asked }
}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
const never: RequestListener = () => {}

describe('a name', () => {
  test('is asked for once, and the connection goes to what was judged: rebinding cannot win', async () => {
    const wanted = await web((_, response) => response.end('wanted'), '127.0.0.2')
    const victim = await web((_, response) => response.end('secret'), '127.0.0.1', wanted.port)
    const names = await nameServer('127.0.0.2', '127.0.0.1')
    const lent = pinnedEgress({ loopback: true, nameServers: [names.at] })
    const answer = await egress(`http://rebind.example:${wanted.port}/a?b#c`, WISH, lent)
    expect(text(answer.body)).toBe('wanted')
    expect(names.asked).toEqual(['rebind.example'])
    expect(victim.connections()).toBe(0)
    expect(wanted.seen[0]?.headers.host).toBe(`rebind.example:${wanted.port}`)
    expect(wanted.seen[0]?.url).toBe('/a?b')
  })

  test('that leads to loopback is refused, and nobody is connected to', async () => {
    const victim = await web((_, response) => response.end('secret'))
    const names = await nameServer('127.0.0.1')
    const lent = pinnedEgress({ loopback: false, nameServers: [names.at] })
    const asked = egress(`https://inside.example:${victim.port}/`, WISH, lent)
    await expect(asked).rejects.toMatchObject({ reason: 'refused' })
    expect([names.asked, victim.connections()]).toEqual([['inside.example'], 0])
  })

  test('whose name server says nothing is given up in time', async () => {
    const socket = createSocket('udp4')
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
    open.push(socket)
    const lent = pinnedEgress({ loopback: true, nameServers: [`127.0.0.1:${socket.address().port}`] })
    const before = Date.now()
    await expect(egress('https://silent.example/', { ...WISH, timeout: 200 }, lent)).rejects.toMatchObject({
      reason: 'timeout',
    })
    expect(Date.now() - before).toBeLessThan(1_500)
  })

  test('with an address that does not answer is reached at the next one', async () => {
    const server = await web((_, response) => response.end('ok'), '127.0.0.1')
    const lent = pinnedEgress({ loopback: true })
    const both = { ...lent, resolve: async () => ['127.0.0.9', '127.0.0.1'] }
    expect(text((await egress(`http://two.example:${server.port}/`, WISH, both)).body)).toBe('ok')
    expect(server.connections()).toBe(1)
  })
})

test('a connection to an address that was not judged is not used, however it came about', async () => {
  const victim = await web((_, response) => response.end('secret'))
  const lent = pinnedEgress({ loopback: true })
  const sending = lent.send({
    url: new URL(`http://127.0.0.1:${victim.port}/`),
    addresses: ['127.0.0.2'],
    method: 'GET',
    headers: new Headers(),
    body: undefined,
    signal: new AbortController().signal,
  })
  await expect(sending).rejects.toThrow('connected to an address that was not judged')
  expect(victim.seen).toEqual([])
})

describe('over TLS', () => {
  const pinned = { ...pinnedEgress({ loopback: true, ca: cert }), resolve: async () => ['127.0.0.1'] }

  test('the certificate is the name’s, and so are SNI and Host, though the address is pinned', async () => {
    const server = await secure((_, response) => response.end('ok'))
    const answer = await egress(`https://${NAME}:${server.port}/`, WISH, pinned)
    expect(text(answer.body)).toBe('ok')
    expect(server.seen.map(({ headers }) => headers.host)).toEqual([`${NAME}:${server.port}`])
    expect(server.names).toEqual([NAME])
  })

  test.each(['other.example', 'localhost'])(
    'a certificate for another name than %s is refused',
    async (name) => {
      const server = await secure((_, response) => response.end('ok'))
      await expect(egress(`https://${name}:${server.port}/`, WISH, pinned)).rejects.toMatchObject({
        reason: 'unreachable',
      })
      expect(server.seen).toEqual([])
    },
  )

  test('a certificate of nobody known is refused', async () => {
    const server = await secure((_, response) => response.end('ok'))
    const stranger = { ...pinnedEgress({ loopback: true }), resolve: async () => ['127.0.0.1'] }
    await expect(egress(`https://${NAME}:${server.port}/`, WISH, stranger)).rejects.toMatchObject({
      reason: 'unreachable',
    })
  })
})

describe('an answer', () => {
  const lent = pinnedEgress({ loopback: true })
  const at = ({ port }: Started) => `http://127.0.0.1:${port}/`

  test('comes with status, type and headers, asked for uncompressed and with no cookies', async () => {
    const server = await web((_, response) => {
      response.writeHead(404, {
        'content-type': 'Text/Plain; charset=x',
        'set-cookie': ['a=b', 'c=d'],
        via: ['x', 'y'],
      })
      response.end('gone')
    })
    const answer = await egress(at(server), WISH, lent)
    expect(answer).toMatchObject({ status: 404, mediaType: 'text/plain' })
    expect([answer.headers.get('set-cookie'), answer.headers.get('via')]).toEqual([null, 'x, y'])
    expect(server.seen[0]?.headers).toEqual({
      host: `127.0.0.1:${server.port}`,
      connection: 'close',
      accept: '*/*',
      'accept-encoding': 'identity',
      'user-agent': 'Outcrop',
    })
    await server.closed()
  })

  test('to a POST has had all of its body', async () => {
    const server = await web((request, response) => void request.pipe(response))
    const answer = await egress(at(server), { ...WISH, method: 'POST', body: '{"q":"ü"}' }, lent)
    expect(text(answer.body)).toBe('{"q":"ü"}')
    await server.closed()
  })

  test('with no end is cut off at the cap, and the connection with it', async () => {
    let written = 0
    const server = await web((_, response) => {
      const chunk = Buffer.alloc(64_000)
      const more = () => {
        while (!response.destroyed && response.write(chunk)) written += chunk.length
        written += chunk.length
      }
      response.on('drain', more)
      more()
    })
    await expect(egress(at(server), WISH, lent)).rejects.toMatchObject({ reason: 'too_large' })
    await server.closed()
    expect(written).toBeLessThan(20_000_000)
  })

  test.each([
    ['no first byte', never],
    [
      'a body that stops',
      (_: unknown, response: { write(text: string): unknown }) => void response.write('some'),
    ],
  ] as [string, RequestListener][])(
    'with %s is given up in time, and the connection with it',
    async (_, answer) => {
      const server = await web(answer)
      await expect(egress(at(server), { ...WISH, timeout: 150 }, lent)).rejects.toMatchObject({
        reason: 'timeout',
      })
      await server.closed()
    },
  )

  test('that breaks off is no answer', async () => {
    const server = await web((_, response) => {
      response.writeHead(200, { 'content-length': '100' })
      response.write('some')
      setTimeout(() => response.destroy(), 20)
    })
    await expect(egress(at(server), WISH, lent)).rejects.toMatchObject({ reason: 'unreachable' })
  })

  test('of a strange status is one all the same', async () => {
    const server = await web((_, response) => void response.writeHead(999).end('odd'))
    expect(await egress(at(server), WISH, lent)).toMatchObject({ status: 999 })
  })

  test('that redirects is followed to its end within loopback, and lets go of every hop', async () => {
    const server = await web((request, response) => {
      if (request.url === '/') response.writeHead(302, { location: '/two' }).end('x'.repeat(50_000))
      else response.end('two')
    })
    const answer = await egress(at(server), { ...WISH, redirects: 1 }, lent)
    expect([answer.url, text(answer.body)]).toEqual([`${at(server)}two`, 'two'])
    await server.closed()
  })

  test('that redirects to a private address ends there', async () => {
    const server = await web((_, response) => {
      response.writeHead(302, { location: 'https://10.0.0.1/' }).end()
    })
    await expect(egress(at(server), { ...WISH, redirects: 5 }, lent)).rejects.toMatchObject({
      reason: 'refused',
    })
  })

  test('from nobody is told in a sentence that names no address', async () => {
    const server = await web(never)
    const port = server.port
    for (const each of open.splice(0)) each.close()
    await expect(egress(`http://127.0.0.1:${port}/`, WISH, lent)).rejects.toMatchObject({
      reason: 'unreachable',
      message: 'The URL could not be reached.',
    })
  })
})

test('a URL that is an address is connected to as it stands, in IPv6 too', async () => {
  const server = await web((_, response) => response.end('six'), '::1').catch(() => undefined)
  if (!server) return // no IPv6 on this machine
  const answer = await egress(`http://[::1]:${server.port}/`, WISH, pinnedEgress({ loopback: true }))
  expect(text(answer.body)).toBe('six')
})
