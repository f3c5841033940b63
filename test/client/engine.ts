/** A search engine on loopback, behind the contract of src/search/custom.ts: it does as it is told, and remembers. */
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { text, thing } from '../fakes/json.ts'

export interface Page {
  url: string
  title: string
  snippet: string
  page_age?: string
}

/** What it finds; a status that it fails with; or how many milliseconds it is slower than anybody waits. */
export type Conduct = { finds: readonly Page[] } | { fails: number } | { stalls: number }

export interface LoopbackEngine {
  url: string
  /** What it was asked, and with which `authorization`. */
  asked: { query: string; authorization: string | undefined }[]
  /** By `performance.now()`, when its newest answer was complete. */
  answeredAt: number
  conduct: Conduct
  close(): Promise<void>
}

export const PAGES: readonly Page[] = [
  {
    url: 'https://marmots.test/alps',
    title: 'Alpine marmots',
    snippet: 'They whistle.',
    page_age: '2 days ago',
  },
  { url: 'https://rocks.test/a?b=1&c', title: 'Rocks & "stones"', snippet: 'They do not.' },
]

export async function startEngine(): Promise<LoopbackEngine> {
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = []
    for await (const part of request as AsyncIterable<Buffer>) parts.push(part)
    const body = thing(JSON.parse(Buffer.concat(parts).toString()))
    engine.asked.push({ query: text(body['query']), authorization: request.headers.authorization })
    await answer(response, engine.conduct)
    engine.answeredAt = performance.now()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const engine: LoopbackEngine = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/search`,
    asked: [],
    answeredAt: 0,
    conduct: { finds: PAGES },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return engine
}

async function answer(response: ServerResponse, conduct: Conduct): Promise<void> {
  if ('fails' in conduct) return void response.writeHead(conduct.fails).end('{"error":"out of order"}')
  if ('stalls' in conduct) await sleep(conduct.stalls, undefined, { ref: false })
  const results = 'finds' in conduct ? conduct.finds : []
  response.setHeader('content-type', 'application/json').end(JSON.stringify({ results }))
}
