/**
 * Prompt caching, roughly: a prefix that ended at a breakpoint before is read, the rest up to the last breakpoint is
 * written for its time to live, what follows is plain input.
 */
import { createHash } from 'node:crypto'
import { type Thing, things } from './json.ts'
import type { Model } from './models.ts'
import { readingOrder, weigh, weighBlock } from './tokens.ts'

export interface InputUsage {
  input_tokens: number
  cache_creation_input_tokens: number
  cache_read_input_tokens: number
  cache_creation: { ephemeral_5m_input_tokens: number; ephemeral_1h_input_tokens: number }
}

export interface PromptCache {
  use(body: Thing, model: Model, now: number): InputUsage
  clear(): void
}

interface Place {
  /** Identifies everything up to and including this block. */
  prefix: string
  tokens: number
  ttl: '5m' | '1h' | undefined
}

const MINUTES = { '5m': 5, '1h': 60 } as const
/** How many blocks before a breakpoint are looked up, and how many prefixes are remembered. */
const LOOK_BACK = 20
const MOST = 20_000

export function promptCache(): PromptCache {
  const until = new Map<string, number>()
  return {
    use(body, model, now) {
      const places = placesOf(body, model)
      const marks = places.flatMap((place, index) => (place.ttl ? [index] : []))
      const last = marks.at(-1) ?? -1
      const hit = places.findLastIndex(
        (place, index) =>
          index <= last &&
          marks.some((mark) => index <= mark && mark - index < LOOK_BACK) &&
          (until.get(place.prefix) ?? 0) > now,
      )
      const usage = split(places, hit, last, weigh(body), model.cacheMinimum)
      if ((places[last]?.tokens ?? 0) >= model.cacheMinimum) {
        for (const mark of marks) remember(until, places[mark], now)
      }
      return usage
    },
    clear: () => until.clear(),
  }
}

function remember(until: Map<string, number>, place: Place | undefined, now: number): void {
  if (!place?.ttl) return
  until.delete(place.prefix)
  until.set(place.prefix, now + MINUTES[place.ttl] * 60_000)
  const oldest = until.keys().next().value
  if (until.size > MOST && oldest !== undefined) until.delete(oldest)
}

function placesOf(body: Thing, model: Model): Place[] {
  let prefix = model.id
  let tokens = 0
  return readingOrder(body).map((block) => {
    const { cache_control: mark, ...rest } = block
    prefix = createHash('sha256').update(prefix).update(JSON.stringify(rest)).digest('base64')
    tokens += weighBlock(block)
    const [control] = mark ? things([mark]) : []
    return { prefix, tokens, ttl: control && (control['ttl'] === '1h' ? '1h' : '5m') }
  })
}

function split(
  places: readonly Place[],
  hit: number,
  last: number,
  total: number,
  least: number,
): InputUsage {
  const end = places[last]?.tokens ?? 0
  const cached = end >= least ? end : 0
  const read = cached > 0 ? (places[hit]?.tokens ?? 0) : 0
  const lastHour = places.findLast((place) => place.ttl === '1h')?.tokens ?? 0
  const hour = cached > 0 ? Math.max(0, lastHour - read) : 0
  const short = Math.max(0, cached - read - hour)
  return {
    input_tokens: total - Math.max(cached, read),
    cache_creation_input_tokens: hour + short,
    cache_read_input_tokens: read,
    cache_creation: { ephemeral_5m_input_tokens: short, ephemeral_1h_input_tokens: hour },
  }
}
