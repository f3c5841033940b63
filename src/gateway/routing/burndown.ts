/**
 * How AWS counts the tokens of a call against the quota of an account, region, model and reach. When it begins, all that
 * goes in and the whole of `max_tokens` are taken; when it ends, that is corrected to input, cache writes and the output
 * times a factor of the model's, and what was read from a cache is given back.
 * https://docs.aws.amazon.com/bedrock/latest/userguide/quotas-token-burndown.html
 */
import { isBedrock } from '../../protocol/fields/target.ts'
import type { Quota } from '../../protocol/findings.ts'
import type { Usage } from '../../protocol/messages.ts'
import { generationOf, nameOfRun } from '../../protocol/models.ts'
import type { Route } from '../../providers/provider.ts'

/** The tokens to expect of a call, before its usage is known. */
export interface Expected {
  /** All that goes in, cached or not. */
  input: number
  /** What of that is expected to be read from the cache. */
  cacheRead: number
  output: number
  /** What the answer may come to: AWS sets that aside. */
  maxTokens: number
  /** Nobody looks at it: main threads go before. */
  background?: boolean
}

/** What a token of output counts. Nobody has said so yet for models that are newer than these: the fifth's is taken. */
const BURNDOWN = { upTo4_7: 5, of4_8: 15, of5: 10, mantle: 1 } as const

/** What a token of output counts on a route. */
export function burndownOf({ model, upstream: { wire } }: Route): number {
  if (!isBedrock(wire)) return 1
  if (wire === 'mantle') return BURNDOWN.mantle
  const generation = generationOf(model)
  if (generation <= 4.7) return BURNDOWN.upTo4_7
  return generation === 4.8 ? BURNDOWN.of4_8 : BURNDOWN.of5
}

/** What a call takes when it begins. Elsewhere than at AWS nothing is set aside for the answer. */
export function takenAtStart(
  { upstream: { wire } }: Route,
  { input, cacheRead, output, maxTokens }: Expected,
): number {
  return isBedrock(wire) ? input + maxTokens : Math.max(0, input - cacheRead) + output
}

/** What it is expected to have taken when it is over. */
export function takenLikely(route: Route, { input, cacheRead, output }: Expected): number {
  return Math.max(0, input - cacheRead) + output * burndownOf(route)
}

/** What it has taken when it is over. */
export function takenInTheEnd(route: Route, { input, cacheWrite5m, cacheWrite1h, output }: Usage): number {
  return input + cacheWrite5m + cacheWrite1h + output * burndownOf(route)
}

/** Whose room it is: calls of one account, region, model and reach share it. */
export interface Holder {
  account: string
  region: string
  /** The plain name, or the id where that is not known. */
  model: string
  reach: Quota['reach']
  /** The two front ends of Bedrock are counted apart. */
  front: 'runtime' | 'mantle' | 'direct'
}

export function holderOf(route: Route): Holder {
  const { upstream, modelId, regionClass } = route
  const { wire } = upstream
  return {
    account: upstream.account ?? upstream.id,
    region: upstream.region,
    model: nameOfRun(route),
    reach: reachOf(regionClass, modelId),
    front: !isBedrock(wire) ? 'direct' : wire === 'mantle' ? 'mantle' : 'runtime',
  }
}

/** In GovCloud the class is the same for a profile and for a model without one. */
function reachOf(regionClass: string, modelId: string): Quota['reach'] {
  if (regionClass === 'region' || regionClass === 'global') return regionClass
  return regionClass === 'us-gov' && !modelId.startsWith('us-gov.') ? 'region' : 'geography'
}

/** The quota that was found for it. Those of the other front end have other names, and are not asked for. */
export function quotaFor({ upstream }: Route, { model, reach, front }: Holder): Quota | undefined {
  if (front !== 'runtime') return undefined
  return upstream.quotas?.find((quota) => quota.model === model && quota.reach === reach)
}
