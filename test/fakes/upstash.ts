/**
 * Upstash's REST API in front of a real Redis: one command a request, as a JSON array, with the token as bearer.
 * https://upstash.com/docs/redis/features/restapi
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { Redis } from 'ioredis'

export interface FakeUpstash {
  url: string
  token: string
  /** The commands that have come, by name. */
  commands: string[]
  /** Headers of Upstash's client's own that have come. */
  extras: Set<string>
  /** While set, every request is answered so. */
  failure: { status: number; body: string } | undefined
  close(): Promise<void>
}

const TOKEN = 'only-for-tests-upstash'

export async function startFakeUpstash(redisUrl: string): Promise<FakeUpstash> {
  const redis = new Redis(redisUrl)
  const server = createServer(async (request, response) => {
    const answer = (status: number, body: string) =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(body)
    const [name = '', ...args] = command(await text(request))
    fake.commands.push(name.toLowerCase())
    for (const header of Object.keys(request.headers)) if (/^upstash/.test(header)) fake.extras.add(header)
    if (fake.failure) return answer(fake.failure.status, fake.failure.body)
    if (request.headers.authorization !== `Bearer ${TOKEN}`) return answer(401, '{"error":"Unauthorized"}')
    if (request.method !== 'POST' || request.url !== '/') return answer(404, '{"error":"Not found"}')
    await redis.call(name, ...args).then(
      (result) => answer(200, JSON.stringify({ result })),
      (error: Error) => answer(400, JSON.stringify({ error: error.message })),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const fake: FakeUpstash = {
    url: `http://127.0.0.1:${port}`,
    token: TOKEN,
    commands: [],
    extras: new Set(),
    failure: undefined,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
      redis.disconnect()
    },
  }
  return fake
}

function command(body: string): string[] {
  const parts: unknown = JSON.parse(body)
  if (!Array.isArray(parts)) throw new Error(`Not a command: ${body}`)
  return parts.map(String)
}
