/** The other side of a channel: takes what is posted, and answers what it is told to. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Posted {
  method: string
  path: string
  headers: IncomingHttpHeaders
  body: string
  bytes: Buffer
}

export interface InboxAnswer {
  status: number
  headers?: Record<string, string>
  body?: string
}

/** Undefined never answers. */
type Answering = (posted: Posted) => InboxAnswer | undefined | Promise<InboxAnswer | undefined>

export interface Inbox {
  url: string
  posted: Posted[]
  /** From now on. */
  answer(answering: Answering): void
  close(): Promise<void>
}

/** Answers 200 until told otherwise. */
export async function startInbox(answering: Answering = () => ({ status: 200, body: 'ok' })): Promise<Inbox> {
  const posted: Posted[] = []
  let current = answering
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', async () => {
      const bytes = Buffer.concat(parts)
      const { method = '', url: path = '', headers } = request
      const one = { method, path, headers, bytes, body: bytes.toString('utf8') }
      posted.push(one)
      send(response, await current(one))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    posted,
    answer(next) {
      current = next
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function send(response: ServerResponse, answer: InboxAnswer | undefined) {
  if (!answer) return
  response.writeHead(answer.status, answer.headers)
  response.end(answer.body ?? '')
}
