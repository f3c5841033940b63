/**
 * Where a model's name leads on AWS: to an inference profile, an ARN, a bare id or Anthropic's own, by wire.
 * https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html
 */
import { GatewayError } from '../../errors.ts'
import { firstParty } from '../../protocol/firstparty.ts'
import { type Model, modelNamed, modelOfBase, splitProfile } from '../../protocol/models.ts'
import type { Route, Upstream } from '../provider.ts'

type Destination = Omit<Route, 'upstream'>

/**
 * By exact name, in the ways a model may be named; undefined for any other.
 * @throws GatewayError not_found_error for an ARN where there are none.
 */
export function find(name: string, upstream: Upstream): Route | undefined {
  const { wire, region } = upstream
  if (wire === 'mantle' || wire === 'claude-platform') {
    if (name.startsWith('arn:')) throw noArns()
    const destination = wire === 'mantle' ? onMantle(name, upstream) : onPlatform(name)
    return destination && { upstream, ...destination }
  }
  const destination = onRuntime(name, region, upstream.profile ?? 'global')
  if (!destination) return undefined
  // The runtime's Messages API knows inference profiles by their ids, and nothing else.
  const isProfile = splitProfile(destination.modelId)?.prefix !== undefined
  return { upstream: isProfile ? upstream : { ...upstream, wire: 'invoke' }, ...destination }
}

function noArns(): GatewayError {
  return new GatewayError(
    'not_found_error',
    'ARNs cannot be asked for here: the API behind this gateway takes models by name only. Ask for one by its name, ' +
      'or have the gateway run with BEDROCK_WIRE=invoke.',
  )
}

function onRuntime(name: string, region: string, here: string): Destination | undefined {
  if (name.startsWith('arn:')) return arnDestination(name, region)
  const profile = splitProfile(name)
  if (profile) return profileDestination(name, profile, region, here)
  const model = modelNamed(name)
  if (!model?.profiles.includes(here)) return undefined
  return { modelId: `${here}.${model.bedrockId}`, model, regionClass: here }
}

/** A Bedrock id is as good as a name. Leaving the geography takes asking for `global.` by name. */
function profileDestination(
  modelId: string,
  { prefix, baseId }: { prefix: string | undefined; baseId: string },
  region: string,
  here: string,
): Destination | undefined {
  const model = modelOfBase(baseId)
  if (!model) return undefined
  if (prefix === undefined) return { modelId, model, regionClass: inside(region) }
  const reachable = isReachable(prefix, here) && model.profiles.includes(prefix)
  return reachable ? { modelId, model, regionClass: prefix } : undefined
}

function isReachable(prefix: string, here: string): boolean {
  return prefix === here || prefix === 'global'
}

const ARN =
  /^arn:aws[a-z-]*:bedrock:([a-z0-9-]+):\d{12}:(inference-profile|application-inference-profile|provisioned-model)\/([A-Za-z0-9.:_-]{1,256})$/

/** Operators write the slash of an ARN in either form. Only a system profile says which model it leads to. */
function arnDestination(name: string, region: string): Destination | undefined {
  const modelId = name.replaceAll(/%2f/gi, '/')
  const [, arnRegion, kind, id = ''] = ARN.exec(modelId) ?? []
  if (arnRegion !== region) return undefined
  const profile = kind === 'inference-profile' ? splitProfile(id) : undefined
  return {
    modelId,
    model: profile && modelOfBase(profile.baseId),
    regionClass: profile?.prefix ?? inside(region),
  }
}

/** Mantle answers within its region, and knows models by their names without date or version. */
function onMantle(name: string, { region, profile = 'global' }: Upstream): Destination | undefined {
  const model = modelNamed(name) ?? bedrockModel(name, profile)
  return model && { modelId: `anthropic.${model.name}`, model, regionClass: inside(region) }
}

/** The government's regions have prices of their own. */
function inside(region: string): string {
  return region.startsWith('us-gov-') ? 'us-gov' : 'region'
}

function bedrockModel(id: string, here: string): Model | undefined {
  const { prefix, baseId = '' } = splitProfile(id) ?? {}
  if (prefix !== undefined && !isReachable(prefix, here)) return undefined
  return modelOfBase(baseId) ?? modelNamed(baseId.replace(/^anthropic\./, ''))
}

/** Anthropic runs it and bills it at its own prices. */
function onPlatform(name: string): Destination | undefined {
  const named = firstParty(name)
  return named && { ...named, regionClass: 'global' }
}

/** Regions of a geography share its inference profiles; elsewhere there is only the global one. */
const GEOGRAPHIES: readonly [RegExp, string][] = [
  [/^us-gov-/, 'us-gov'],
  [/^us-/, 'us'],
  [/^eu-/, 'eu'],
  [/^ap-northeast-[13]$/, 'jp'],
  [/^ap-southeast-[24]$/, 'au'],
  [/^ap-south-[12]$/, 'in'],
]

/** The prefix of the profiles that plain names are served by. */
export function profileFor(region: string, chosen: string | undefined): string {
  return chosen ?? GEOGRAPHIES.find(([regions]) => regions.test(region))?.[1] ?? 'global'
}

/** The class of a profile's regions: several are those of a geography; none but its own stay inside that. */
export function geographyOf(regions: readonly string[], here: string): string {
  const [first] = regions
  if (first === undefined) return inside(here)
  return (
    GEOGRAPHIES.find(([inIt]) => regions.every((region) => inIt.test(region)))?.[1] ??
    WIDE[first.slice(0, 3)] ??
    'apac'
  )
}

/** Geographies whose profiles reach further than the regions that are served by them first. */
const WIDE: Readonly<Record<string, string>> = { 'us-': 'us', 'ca-': 'us', 'eu-': 'eu' }
