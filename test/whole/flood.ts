/** Many requests with random headers, to every kind of path, on a few connections that stay open. */
import { Agent, request } from 'node:http'
import { type Chance, chance } from './chance.ts'

const WORKERS = 8
const SEED = 20_261_120

/** How many answers there were of each status. */
export async function flood(port: number, key: string, count: number): Promise<Record<string, number>> {
  const dice = chance(SEED)
  const agent = new Agent({ keepAlive: true, maxSockets: WORKERS })
  const counts: Record<string, number> = {}
  let begun = 0
  const worker = async () => {
    while (begun++ < count) {
      const status = String(await send(port, agent, dice, key))
      counts[status] = (counts[status] ?? 0) + 1
    }
  }
  await Promise.all(Array.from({ length: WORKERS }, worker))
  agent.destroy()
  return counts
}

const TARGETS = [
  'GET /ready',
  'GET /v1/models',
  'GET /v1/models/claude-opus-5-5',
  'HEAD /api/hello',
  'POST /v1/messages',
  'POST /v1/messages/count_tokens',
  'DELETE /v1/messages',
  'OPTIONS /v1/messages',
  'GET /admin/keys',
  'GET /nowhere',
] as const
const BODIES = ['', '{}', '{"model":"none","messages":[]}', 'words', '[]'] as const

function send(port: number, agent: Agent, dice: Chance, key: string): Promise<number> {
  const [method = '', path] = dice.one(TARGETS).split(' ')
  const body = method === 'POST' ? dice.one(BODIES) : ''
  const headers = { ...someHeaders(dice), ...someKey(dice, key), 'content-length': body.length }
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, method, path, agent, headers }, (answer) => {
      answer.resume()
      answer.once('end', () => resolve(answer.statusCode ?? 0))
      answer.once('error', reject)
    })
    sent.once('error', reject)
    sent.end(body)
  })
}

/** Those that mean something to a server, so that chance does not have to find them. */
const KNOWN = [
  'accept',
  'accept-encoding',
  'anthropic-beta',
  'anthropic-version',
  'content-encoding',
  'content-type',
  'cookie',
  'date',
  'if-match',
  'if-none-match',
  'keep-alive',
  'origin',
  'range',
  'referer',
  'te',
  'upgrade',
  'user-agent',
  'via',
  'x-claude-code-agent-id',
  'x-claude-code-session-id',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-http-method-override',
  '__proto__',
  'constructor',
] as const
const NAME_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~"

function someHeaders(dice: Chance): Record<string, string> {
  const count = dice.below(20)
  const made = Array.from({ length: count }, () => {
    const name = dice.below(2) === 0 ? dice.one(KNOWN) : letters(dice, 1 + dice.below(30))
    return [name, value(dice)] as const
  })
  return Object.fromEntries(made.filter(([name]) => !FRAMING.has(name)))
}

/** What says where a request ends, and may not be said at random. */
const FRAMING = new Set(['content-length', 'transfer-encoding', 'trailer', 'connection', 'host', 'expect'])

function letters(dice: Chance, length: number): string {
  return Array.from({ length }, () => NAME_LETTERS[dice.below(NAME_LETTERS.length)]).join('')
}

/** Anything a header may hold: tabs, blanks, and bytes that are no ASCII. */
function value(dice: Chance): string {
  const length = dice.below(4) === 0 ? dice.below(2_000) : dice.below(40)
  return Array.from({ length }, () => {
    const code = dice.below(224) + 32
    return code === 127 ? '\t' : String.fromCharCode(code)
  }).join('')
}

function someKey(dice: Chance, key: string): Record<string, string> {
  switch (dice.below(4)) {
    case 0:
      return {}
    case 1:
      return { authorization: value(dice) }
    case 2:
      return { 'x-api-key': value(dice) }
    default:
      return { 'x-api-key': key }
  }
}
