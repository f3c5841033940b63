/** What an API of Anthropic's lists: every page of it. https://docs.claude.com/en/api/models-list */
import type { Offer } from '../protocol/findings.ts'

const MOST_PAGES = 50
const PAGE = 1_000

/** `ask` gives what is at a path, as JSON. @throws as it does, and an Error for a list that does not end. */
export async function listedModels(ask: (path: string) => Promise<unknown>): Promise<Offer[]> {
  const offers: Offer[] = []
  const seen = new Set<string>()
  for (let after: string | undefined, pages = 0; pages < MOST_PAGES; pages++) {
    const query = new URLSearchParams({
      limit: String(PAGE),
      ...(after === undefined ? {} : { after_id: after }),
    })
    const { data, has_more: hasMore, last_id: last } = ((await ask(`/v1/models?${query}`)) ?? {}) as Page
    if (!Array.isArray(data)) throw new Error('it is no list of models')
    offers.push(...data.flatMap((model) => idOf(model)))
    if (hasMore !== true) return offers
    if (typeof last !== 'string' || seen.has(last)) throw new Error('its pages go in a circle')
    seen.add(last)
    after = last
  }
  throw new Error(`it has more than ${MOST_PAGES} pages`)
}

interface Page {
  data?: unknown
  has_more?: unknown
  last_id?: unknown
}

function idOf(model: unknown): Offer[] {
  const id = typeof model === 'object' && model !== null && 'id' in model ? model.id : undefined
  return typeof id === 'string' && /^claude-[a-z0-9.-]{1,100}$/.test(id) ? [{ id }] : []
}
