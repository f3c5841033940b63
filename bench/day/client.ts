/** Claude Code as a client: what it sends, how it tries again, and what it has seen. */
import type { Chance } from './chance.ts'
import type { VirtualTime } from './clock.ts'
import { type Clouds, MODELS, words } from './clouds.ts'
import type { Gateway } from './gateway.ts'
import type { Ask, Client } from './people.ts'

export interface Experience {
  /** Steps of the work: however often each was tried. */
  asks: number
  requests: number
  /** Throttles that a client has seen, as a status or in a stream; and those while some place had room. */
  throttled: number
  needless: number
  /** Other failures, by their type. */
  failed: Map<string, number>
  givenUp: number
  /** From the first try to the moment at which the upstream that answered got it; one for each step. Milliseconds. */
  waits: number[]
}

export function newExperience(): Experience {
  return { asks: 0, requests: 0, throttled: 0, needless: 0, failed: new Map(), givenUp: 0, waits: [] }
}

/** As measured of the client: so many tries after the first, and half a second, doubled, up to 32. */
const TRIES = 10
const [FIRST_PAUSE, LONGEST_PAUSE] = [500, 32_000]

interface World {
  gateway: Gateway
  clouds: Clouds
  time: VirtualTime
  luck: Chance
  /** It does not say its session. */
  isNameless: boolean
}

export function client({ gateway, clouds, time, luck, isNameless }: World, seen: Experience): Client {
  let count = 0
  return {
    async ask(ask) {
      const begun = time.now()
      seen.asks++
      for (let tries = 0; tries <= TRIES; tries++) {
        const id = `${ask.session}-${++count}`
        seen.requests++
        const outcome = await send(gateway, time, ask, { id, isNameless })
        if (outcome.answered) {
          seen.waits.push((clouds.seen.arrived.get(id) ?? begun) - begun)
          clouds.seen.arrived.delete(id)
          return true
        }
        if (isThrottle(outcome.type)) {
          seen.throttled++
          if (clouds.couldServe(ask)) seen.needless++
        } else seen.failed.set(outcome.type, (seen.failed.get(outcome.type) ?? 0) + 1)
        if (!outcome.again) break
        const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** tries) * luck.between(1, 1.25)
        await time.rest(Math.max(pause, outcome.retryAfter))
      }
      seen.givenUp++
      return false
    },
  }
}

const isThrottle = (type: string) => type === 'rate_limit_error' || type === 'overloaded_error'

interface Outcome {
  answered: boolean
  type: string
  again: boolean
  /** Milliseconds. */
  retryAfter: number
}

async function send(
  gateway: Gateway,
  time: VirtualTime,
  ask: Ask,
  { id, isNameless }: { id: string; isNameless: boolean },
): Promise<Outcome> {
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    ...(isNameless ? {} : { 'x-claude-code-session-id': ask.session }),
    ...(isNameless || ask.agent === undefined ? {} : { 'x-claude-code-agent-id': ask.agent }),
  }
  time.stir()
  const response = await gateway.request(bodyOf(ask, id), headers, ask.developer)
  const text = await response.text()
  time.stir()
  const failure = /"type":"error","error":\{"type":"(\w+)"/.exec(text)?.[1]
  if (response.status === 200 && failure === undefined)
    return { answered: text.includes('message_stop'), type: 'cut', again: true, retryAfter: 0 }
  return {
    answered: false,
    type: failure ?? String(response.status),
    again: response.headers.get('x-should-retry') !== 'false',
    retryAfter: Number(response.headers.get('retry-after') ?? 0) * 1_000,
  }
}

const TOOLS = '[{"name":"Read","input_schema":{"type":"object"}}]'

/** As many bytes as tokens: a fourth of what they are, so that a day is sooner over. */
function bodyOf(ask: Ask, id: string): Uint8Array<ArrayBuffer> {
  const head = `{"model":"${MODELS[ask.model]}","max_tokens":${ask.maxTokens},"stream":true,${
    ask.tools ? `"tools":${TOOLS},` : ''
  }"messages":[{"role":"user","content":"${words(ask, id)}`
  const tail = '"}]}'
  const length = Math.max(ask.inputTokens, head.length + tail.length)
  const bytes = new Uint8Array(length).fill(0x2e)
  Buffer.from(bytes.buffer).write(head, 0, 'latin1')
  Buffer.from(bytes.buffer).write(tail, length - tail.length, 'latin1')
  return bytes
}
