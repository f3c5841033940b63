/** Node's requests and responses, as the gateway reads and writes them. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import type { Speech } from '../../src/gateway/speech.ts'
import { bodyOf } from '../../src/host/nodebody.ts'
import { spokenTo } from '../../src/host/nodestream.ts'
import type { Bytes } from '../../src/protocol/bytes.ts'

type Handler = (asked: IncomingMessage, response: ServerResponse) => void

let close = () => {}
afterEach(() => close())

async function serving(handler: Handler): Promise<number> {
  const server = createServer(handler).listen(0, '127.0.0.1')
  await once(server, 'listening')
  close = () => {
    server.closeAllConnections()
    server.close()
  }
  return (server.address() as AddressInfo).port
}

/** A promise, and what settles it. */
function promised<T = void>() {
  let resolve: (value: T | PromiseLike<T>) => void = () => {}
  let reject: (error: unknown) => void = () => {}
  const promise = new Promise<T>((settle, fail) => {
    resolve = settle
    reject = fail
  })
  return { promise, resolve, reject }
}

const HEAD = 'POST / HTTP/1.1\r\nhost: gateway.test\r\n'

test('a body that comes in pieces is one array, searched as a Buffer is', async () => {
  const read = promised<Bytes>()
  const port = await serving((asked) => bodyOf(asked, 200_000).then(read.resolve, read.reject))
  const body = Buffer.from(Array.from({ length: 200_000 }, (_, at) => at % 251))
  const socket = connect(port, '127.0.0.1')
  socket.write(`${HEAD}content-length: 200000\r\n\r\n`)
  for (const [from, to] of [
    [0, 1],
    [1, 70_000],
    [70_000, 70_001],
    [70_001, 200_000],
  ]) {
    socket.write(body.subarray(from, to))
    await sleep(5)
  }
  const bytes = await read.promise
  expect(Buffer.isBuffer(bytes)).toBe(true)
  expect(bytes.buffer.byteLength).toBe(200_000)
  expect(body.equals(bytes)).toBe(true)
  socket.destroy()
})

test('a body that breaks off is no body', async () => {
  const read = promised<Bytes>()
  const port = await serving((asked) => bodyOf(asked, 10).then(read.resolve, read.reject))
  const socket = connect(port, '127.0.0.1')
  socket.write(`${HEAD}content-length: 10\r\n\r\nfive!`, () => socket.end())
  await expect(read.promise).rejects.toThrow()
})

test('nobody waits for the body of a client that has gone before it is asked for', async () => {
  const read = promised<Bytes>()
  const port = await serving((asked) => {
    asked.on('error', () => {})
    asked.on('close', () => bodyOf(asked, 10).then(read.resolve, read.reject))
  })
  const socket = connect(port, '127.0.0.1')
  socket.write(`${HEAD}content-length: 10\r\n\r\nfive!`, () => socket.destroy())
  await expect(read.promise).rejects.toThrow('the client has gone')
})

/** Says these, and then nothing; or breaks off. */
function speaks(words: readonly string[], end: 'ends' | 'breaks' | 'waits') {
  const left = [...words]
  const over = promised<undefined>()
  const speech: Speech & { cancelled: number } = {
    cancelled: 0,
    next() {
      const word = left.shift()
      if (word !== undefined) return Promise.resolve(new TextEncoder().encode(word))
      if (end === 'ends') return Promise.resolve(undefined)
      return end === 'breaks' ? Promise.reject(new Error('it broke')) : over.promise
    },
    cancel() {
      speech.cancelled++
      over.resolve(undefined)
    },
  }
  return speech
}

/** As the server does it with the body of a Response. */
function sent(response: ServerResponse, speech: Speech) {
  response.writeHead(200)
  const reader = spokenTo(response, speech).getReader()
  return reader.closed
}

test('what is said goes out to its end, and the server lets go of it at once', async () => {
  const closed = promised<unknown>()
  const port = await serving((_, response) => closed.resolve(sent(response, speaks(['one ', 'two'], 'ends'))))
  const answer = await fetch(`http://127.0.0.1:${port}/`)
  expect(await answer.text()).toBe('one two')
  await closed.promise
})

test('what breaks off breaks the connection, so that nobody takes it for whole', async () => {
  const port = await serving((_, response) => void sent(response, speaks(['one '], 'breaks')))
  const read = fetch(`http://127.0.0.1:${port}/`).then((answer) => answer.text())
  await expect(read).rejects.toThrow()
})

test('who reads slowly is waited for, and gets everything', async () => {
  const words = Array.from({ length: 64 }, (_, at) => String(at % 10).repeat(100_000))
  const port = await serving((_, response) => void sent(response, speaks(words, 'ends')))
  const socket = connect(port, '127.0.0.1')
  socket.write('GET / HTTP/1.1\r\nhost: gateway.test\r\nconnection: close\r\n\r\n')
  socket.pause()
  await sleep(50)
  let length = 0
  for await (const piece of socket) length += (piece as Buffer).length
  expect(length).toBeGreaterThan(6_400_000)
})

test('who hangs up cancels what is said', async () => {
  const speech = speaks(['one '], 'waits')
  const gone = promised<void>()
  const port = await serving((_, response) => {
    void sent(response, speech)
    response.on('close', () => gone.resolve())
  })
  const socket = connect(port, '127.0.0.1')
  socket.write('GET / HTTP/1.1\r\nhost: gateway.test\r\n\r\n')
  await once(socket, 'data')
  expect(speech.cancelled).toBe(0)
  socket.destroy()
  await gone.promise
  expect(speech.cancelled).toBe(1)
})

test('who has gone before anything was said is not spoken to', async () => {
  const speech = speaks(['one '], 'ends')
  const gone = promised<void>()
  const port = await serving((_, response) => {
    response.on('close', () => {
      spokenTo(response, speech).getReader()
      gone.resolve()
    })
    response.flushHeaders()
  })
  const socket = connect(port, '127.0.0.1')
  socket.write('GET / HTTP/1.1\r\nhost: gateway.test\r\n\r\n')
  await once(socket, 'data')
  socket.destroy()
  await gone.promise
  expect(speech.cancelled).toBe(1)
})
