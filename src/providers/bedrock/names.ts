/**
 * Where a model's name leads on AWS: to an inference profile, an ARN, a bare id or Anthropic's own, by wire.
 * https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html
 */
import { GatewayError } from '../../errors.ts'
import type { Offer } from '../../protocol/findings.ts'
import { firstParty } from '../../protocol/firstparty.ts'
import {
  goesBy,
  type Model,
  modelAs,
  modelBehind,
  modelNamed,
  modelOfBase,
  splitProfile,
} from '../../protocol/models.ts'
import type { Route, Upstream } from '../provider.ts'
import { ledToBy, throughApplication } from './applications.ts'
import { inside, isReachable } from './geographies.ts'
import { offerNamed, offerOf, usable } from './offers.ts'

export type Destination = Omit<Route, 'upstream'>

/**
 * By exact name, in the ways a model may be named; undefined for any other. Where it is known what the account is
 * offered, that holds; else what is shipped.
 * @throws GatewayError not_found_error for an ARN where there are none, and for what the account may not use.
 */
export function find(name: string, upstream: Upstream): Route | undefined {
  const { wire } = upstream
  if (wire === 'mantle' || wire === 'claude-platform') {
    if (name.startsWith('arn:')) throw noArns()
    const destination = wire === 'mantle' ? onMantle(name, upstream) : onPlatform(name, upstream)
    return destination && { upstream, ...destination }
  }
  const destination = onRuntime(name, upstream)
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

function onRuntime(name: string, upstream: Upstream): Destination | undefined {
  if (name.startsWith('arn:')) return arnDestination(name, upstream)
  const profile = splitProfile(name)
  if (profile) return profileDestination(name, profile, upstream)
  const known = modelNamed(name)
  const plain = known?.name ?? name
  const arn = upstream.profiles?.[plain]
  if (arn !== undefined) return throughApplication(arn, plain, upstream)
  return plainDestination(name, known, upstream)
}

function plainDestination(
  name: string,
  known: Model | undefined,
  { profile: here = 'global', offers }: Upstream,
): Destination | undefined {
  if (!offers) {
    if (!known?.profiles.includes(here)) return undefined
    return { modelId: `${here}.${known.bedrockId}`, model: known, regionClass: here }
  }
  const offer = usable(name, offerNamed(name, known, here, offers))
  return offer && { modelId: offer.id, model: modelBehind(offer.id), regionClass: here }
}

/** A Bedrock id is as good as a name. Leaving the geography takes asking for `global.` by name. */
function profileDestination(
  modelId: string,
  { prefix, baseId }: { prefix: string | undefined; baseId: string },
  { region, profile: here = 'global', offers }: Upstream,
): Destination | undefined {
  if (prefix === undefined) return baseDestination(modelId, region, offers)
  if (!isReachable(prefix, here)) return undefined
  if (offers) {
    const offer = usable(modelId, offerOf(modelId, offers))
    return offer && { modelId, model: modelAs(baseId), regionClass: prefix }
  }
  const model = modelOfBase(baseId)
  return model?.profiles.includes(prefix) ? { modelId, model, regionClass: prefix } : undefined
}

/** Not every model is served without a profile, and no list says which: AWS will. */
function baseDestination(
  baseId: string,
  region: string,
  offers: Upstream['offers'],
): Destination | undefined {
  const listed = offers?.filter(({ id }) => splitProfile(id)?.baseId === baseId) ?? []
  if (listed.length === 0 && !modelOfBase(baseId)) return undefined
  usable(baseId, listed.find(({ refused }) => refused === undefined) ?? listed[0])
  return { modelId: baseId, model: modelAs(baseId), regionClass: inside(region) }
}

const ARN =
  /^arn:aws[a-z-]*:bedrock:([a-z0-9-]+):\d{12}:(inference-profile|application-inference-profile|provisioned-model)\/([A-Za-z0-9.:_-]{1,256})$/

/** Operators write the slash of an ARN in either form. What a list of the account's does not say, a lookup may. */
function arnDestination(name: string, upstream: Upstream): Destination | undefined {
  const { region, applications = [] } = upstream
  const modelId = name.replaceAll(/%2f/gi, '/')
  const [, arnRegion, kind, id = ''] = ARN.exec(modelId) ?? []
  if (arnRegion !== region) return undefined
  if (kind === 'application-inference-profile') {
    const offer = usable(name, offerOf(modelId, applications))
    if (offer) return ledToBy(offer, region)
  }
  const profile = kind === 'inference-profile' ? splitProfile(id) : undefined
  return {
    modelId,
    model: profile && modelAs(profile.baseId),
    regionClass: profile?.prefix ?? inside(region),
  }
}

/** Mantle answers within its region, and knows models by their names without date or version. */
function onMantle(
  name: string,
  { region, profile = 'global', offers = [] }: Upstream,
): Destination | undefined {
  const model = modelNamed(name) ?? mantleModel(name, profile) ?? mantleOffer(name, profile, offers)
  if (!model) return undefined
  const modelId = `anthropic.${model.name}`
  // What is not listed may be served even so: there is no list of Mantle's own.
  usable(name, offerOf(modelId, offers))
  return { modelId, model, regionClass: inside(region) }
}

function mantleModel(id: string, here: string): Model | undefined {
  const baseId = reachableBase(id, here)
  if (baseId === undefined) return undefined
  return modelOfBase(baseId) ?? modelNamed(baseId.replace(/^anthropic\./, ''))
}

/** What came out after this table. */
function mantleOffer(name: string, here: string, offers: readonly Offer[]): Model | undefined {
  const baseId = reachableBase(name, here)
  const wanted = baseId === undefined ? undefined : modelAs(baseId)?.name
  for (const { id } of offers) {
    const model = modelAs(id)
    if (model && (model.name === wanted || goesBy(model, name))) return model
  }
  return undefined
}

function reachableBase(id: string, here: string): string | undefined {
  const { prefix, baseId } = splitProfile(id) ?? {}
  return prefix === undefined || isReachable(prefix, here) ? baseId : undefined
}

/** Anthropic runs it and bills it at its own prices. */
function onPlatform(name: string, { offers }: Upstream): Destination | undefined {
  const named = firstParty(name, offers)
  return named && { ...named, regionClass: 'global' }
}
