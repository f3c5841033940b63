/** What is said to a client over Node's response: how it leaves, and when. */
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { speaker } from '../../src/gateway/speech.ts'
import { spokenTo } from '../../src/host/nodestream.ts'
import { eventually } from '../whole/eventually.ts'

const open: (() => void)[] = []

afterEach(() => {
  for (const close of open.splice(0)) close()
})

/** A response that a client waits for, what that has got so far, and how often its socket was written to. */
async function served() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  open.push(() => {
    client.destroy()
    server.close()
  })
  const got = { text: '' }
  client.setEncoding('utf8').on('data', (text: string) => {
    got.text += text
  })
  client.write('POST / HTTP/1.1\r\nhost: here\r\ncontent-length: 0\r\n\r\n')
  const [, response] = (await once(server, 'request')) as [unknown, ServerResponse]
  return { response, got, writes: counted(response.socket as Socket) }
}

function counted(socket: Socket) {
  const count = { of: 0 }
  const { _write, _writev } = socket
  socket._write = (...args) => {
    count.of++
    _write.apply(socket, args)
  }
  socket._writev = (...args) => {
    count.of++
    _writev?.apply(socket, args)
  }
  return count
}

/** As the server does it: the headers, then the body. */
function answer(response: ServerResponse, body: ReadableStream) {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.flushHeaders()
  body.getReader()
}

const words = (text: string) => new TextEncoder().encode(text)

const nothing = () => new Promise<void>(() => {})

test('the first words leave in one write with the headers', async () => {
  const { response, got, writes } = await served()
  const { speech, say } = speaker(nothing, () => {})
  say(words('first'))
  answer(response, spokenTo(response, speech))
  await eventually(() => /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\n5\r\nfirst\r\n$/.test(got.text) || undefined)
  expect(writes.of).toBe(1)
})

test('while nothing is said, the headers leave nevertheless', async () => {
  const { response, got } = await served()
  const { speech, say, close } = speaker(nothing, () => {})
  answer(response, spokenTo(response, speech))
  await eventually(() => /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\n$/.test(got.text) || undefined)
  say(words('late'))
  close()
  await eventually(() => /\r\n\r\n4\r\nlate\r\n0\r\n\r\n$/.test(got.text) || undefined)
})
