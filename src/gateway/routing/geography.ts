/**
 * Where a call may run, and whether that is within the places that a policy names. What an upstream is asked may be run
 * elsewhere: a profile of Bedrock's runs it in any region of its geography, `global.` and Anthropic itself anywhere.
 * https://docs.aws.amazon.com/bedrock/latest/userguide/cross-region-inference.html
 */
import { splitProfile } from '../../protocol/models.ts'
import type { Route } from '../../providers/provider.ts'

/** The words for more than a region, as Bedrock's profiles have them; `ca` has none of its own. */
export const GEOGRAPHIES = ['us', 'us-gov', 'eu', 'jp', 'au', 'in', 'apac', 'ca', 'global'] as const

/** Everywhere: within nothing but itself. */
const GLOBAL = 'global'

/** AWS writes `eu-west-1`, Google `europe-west1`. */
const REGION = /^[a-z]+(?:-[a-z]+)*-[a-z]+-?\d{1,2}$/

/** Whether a policy may name it. */
export function isPlace(place: string): boolean {
  return (GEOGRAPHIES as readonly string[]).includes(place) || REGION.test(place)
}

/** Where a route may run: all of these places, and nothing beyond. */
export function reachOf(route: Route): readonly string[] {
  const { upstream, regionClass, modelId, model } = route
  // What an application profile leads to is not to be read from its name: one that nobody could look up may lead anywhere.
  const isApplication = modelId.includes(':application-inference-profile/')
  if (regionClass === GLOBAL || (isApplication && !model)) return [GLOBAL]
  if (staysInRegion(route, isApplication)) return [upstream.region]
  const known = isApplication ? upstream.applications : upstream.offers
  const regions = known?.find(({ id }) => id === modelId)?.regions
  if (regions?.length === 0) return [GLOBAL]
  // A call enters where the upstream is, and may stay there: a Canadian one may use the profiles of the US.
  return [...(regions ?? [regionClass]), upstream.region]
}

/** The government's regions have a class of their own, for their prices, whether or not a profile leads to both. */
function staysInRegion({ regionClass, modelId }: Route, isApplication: boolean): boolean {
  if (regionClass === 'region') return true
  if (regionClass !== 'us-gov' || isApplication) return false
  return splitProfile(modelId.replace(/^arn:.*:inference-profile\//, ''))?.prefix === undefined
}

/** Whether every one of these places is within one that is named. */
export function isWithin(reach: readonly string[], named: readonly string[]): boolean {
  return reach.every((place) => named.some((each) => contains(each, place)))
}

function contains(outer: string, inner: string): boolean {
  return outer === inner || outer === GLOBAL || around(inner).includes(outer)
}

const APAC = 'apac'

/** Geographies of AWS's, and of Google's, whose names do not overlap. */
const AROUND: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^us-gov-/, ['us-gov']],
  [/^us-/, ['us']],
  [/^(eu|europe|eusc-de)-/, ['eu']],
  [/^(ca-|northamerica-northeast)/, ['ca']],
  [/^(jp$|ap-northeast-[13]$|asia-northeast[12]$)/, ['jp', APAC]],
  [/^(au$|ap-southeast-[24]$|australia-)/, ['au', APAC]],
  [/^(in$|ap-south-[12]$|asia-south[12]$)/, ['in', APAC]],
  [/^(ap|asia)-/, [APAC]],
]

/** The geographies that a region, or a smaller geography, lies in. Some regions lie in none. */
function around(place: string): readonly string[] {
  // The government's is not a part of `us`: nobody gets there who did not name it.
  if (place === 'us-gov') return []
  return AROUND.find(([places]) => places.test(place))?.[1] ?? []
}

/** In words, for whoever asks why not. */
export function reachInWords(reach: readonly string[]): string {
  if (reach.includes(GLOBAL)) return 'it may run anywhere'
  return `it may run in ${[...new Set(reach)].join(', ')}`
}
