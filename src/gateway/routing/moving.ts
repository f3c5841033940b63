/** What it costs a call to go to another place than the one that has its cache, and what it costs to wait. Nano-dollars. */
import { roughTokens } from '../../protocol/tokens.ts'
import type { Place, Quest } from './quest.ts'
import type { Warm } from './warmth.ts'
import { MINUTE, rewriting } from './weigh.ts'

/** What a minute of this call's is worth. */
export function minuteOf({ call }: Pick<Quest, 'call'>): number {
  return call.agent === undefined ? MINUTE.developer : MINUTE.subagent
}

/** What it costs to go from one place to the other; undefined where there is nothing to leave, or no price. */
export function movingCost(quest: Quest, from: Place, to: Place): number | undefined {
  const { runtime, call, prices } = quest
  const left = warmAt(quest, from)
  if (!left || !prices) return undefined
  const there = runtime.steering.warmths.at(call, to.route, runtime.now())
  return rewriting(prices, { from: from.route, to: to.route, left, there, at: call.startedAt })
}

/** What of the session is cached there; of one that others have served, as much as it is long. */
function warmAt({ runtime, call, choice }: Quest, { route }: Place): Warm | undefined {
  const known = runtime.steering.warmths.at(call, route, runtime.now())
  if (known || choice.binding?.upstream !== route.upstream.id) return known
  return { tokens: roughTokens(call.outline), isLong: false }
}

/** Those that have to be waited for, by what waiting and going there come to together; the first one has the cache. */
export function byCost<Each extends { place: Place; wait: number }>(
  quest: Quest,
  standings: readonly Each[],
): Each[] {
  const [first] = standings
  if (!first) return []
  const costs = standings.map((each) => {
    const moving = each === first ? 0 : (movingCost(quest, first.place, each.place) ?? 0)
    return { each, nano: moving + (each.wait / 60_000) * minuteOf(quest) }
  })
  return costs.sort((a, b) => a.nano - b.nano).map(({ each }) => each)
}
