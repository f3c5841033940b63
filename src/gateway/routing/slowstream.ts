/**
 * How long an upstream may take to begin before another one is tried beside it. From then on both are under way, and the
 * first to say something answers; the other is let go before the client has heard anything of it. Both may be billed, so
 * it must have cost as much to wait as it will to run twice; the slow one is kept since the other one may fail.
 */
import { NO_USAGE } from '../../protocol/messages.ts'
import { roughTokens } from '../../protocol/tokens.ts'
import type { Route } from '../../providers/provider.ts'
import { ranBy } from '../prices.ts'
import { minuteOf } from './moving.ts'
import { type Quest, since } from './quest.ts'
import { worthWaiting } from './weigh.ts'

/** A long prompt takes its time to be read: so many bytes a millisecond. */
const BYTES_READ = 64
/** However dear it is: Claude Code waits for five minutes at the most. Milliseconds. */
const LATEST = 120_000

/** Milliseconds; undefined where there is nowhere else to go. */
export function slowAfter(quest: Quest): number | undefined {
  if (quest.isAlone) return undefined
  const { runtime, call } = quest
  const { slowAfter: least } = runtime.config.limits
  const reading = call.body.length / BYTES_READ
  const price = Math.min(
    ...quest.places.filter(({ tries }) => tries === 0).map(({ route }) => twice(quest, route)),
  )
  if (price === Number.POSITIVE_INFINITY) return undefined
  return Math.max(least, Math.min(LATEST, Math.max(least + reading, worthWaiting(price, minuteOf(quest)))))
}

/** What it costs to run it there as well, in nano-dollars: at the least what goes in. */
function twice({ prices, call, runtime }: Quest, route: Route): number {
  if (!prices) return 0
  const tokens = roughTokens(call.outline)
  const cacheRead = Math.min(tokens, runtime.steering.warmths.at(call, route, runtime.now())?.tokens ?? 0)
  return prices.ceiling(
    { ...NO_USAGE, cacheRead, cacheWrite5m: tokens - cacheRead },
    ranBy(route),
    call.startedAt,
  )
}

/** Says on the trail that another one is tried beside one that is slow. */
export function tellHedge(quest: Quest, slow: Route, other: Route, waitMs: number) {
  quest.witness.step({
    did: 'weighed',
    at: since(quest),
    from: slow.upstream.id,
    to: other.upstream.id,
    rewriteNano: twice(quest, other),
    waitMs,
    chose: 'hedge',
  })
  quest.runtime.metrics.count('outcrop_routing_weighed_total', { chose: 'hedge' })
}
