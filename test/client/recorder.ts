/** A proxy in front of the gateway that keeps what the client sent, as it arrived. */
import { createServer, type IncomingHttpHeaders, request } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Recording {
  path: string
  headers: IncomingHttpHeaders
  body: unknown
}

export interface Recorder {
  url: string
  /** Newest last. */
  heard: Recording[]
  close(): Promise<void>
}

export async function startRecorder(gatewayUrl: string): Promise<Recorder> {
  const heard: Recording[] = []
  const server = createServer(async (incoming, outgoing) => {
    const parts: Buffer[] = []
    for await (const part of incoming as AsyncIterable<Buffer>) parts.push(part)
    const bytes = Buffer.concat(parts)
    const { method, headers, url: path = '/' } = incoming
    if (method === 'POST') heard.push({ path, headers, body: JSON.parse(bytes.toString()) })
    const onward = request(new URL(path, gatewayUrl), { method: method ?? 'GET', headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    onward.on('error', () => outgoing.destroy())
    onward.end(bytes)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heard,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
