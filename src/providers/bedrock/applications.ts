/**
 * Application inference profiles: an account's own, which AWS's bill tells apart by their tags. Each leads to a model,
 * which is found out and not believed.
 * https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-create.html
 */
import { GatewayError } from '../../errors.ts'
import type { Offer } from '../../protocol/findings.ts'
import { modelNamed } from '../../protocol/models.ts'
import type { Upstream } from '../provider.ts'
import { geographyOf, inside } from './geographies.ts'
import type { Destination } from './names.ts'
import { modelOf, offerOf } from './offers.ts'

/**
 * Where a plain name leads that is set to go through an application profile.
 * @throws GatewayError not_found_error unless that leads to the very model, and no further than plain names go.
 */
export function throughApplication(arn: string, name: string, upstream: Upstream): Destination {
  const { region, profile: here = 'global', applications = [] } = upstream
  const offer = offerOf(arn, applications)
  const wrong = applicationWrong(name, offer, region, here)
  if (!offer || wrong !== undefined) {
    throw new GatewayError(
      'not_found_error',
      `The model '${name}' goes through an application inference profile of this gateway's AWS account, and cannot: ` +
        `${wrong}. Tell whoever runs this gateway.`,
    )
  }
  return ledToBy(offer, region)
}

/** Why a profile is not the one for a model; undefined where it is. */
export function applicationWrong(
  name: string,
  offer: Offer | undefined,
  region: string,
  here: string,
): string | undefined {
  if (!offer) return 'it could not be checked yet'
  if (offer.refused !== undefined) return offer.refused
  const { model, regionClass } = ledToBy(offer, region)
  if (model?.name !== name) return `it leads to ${model?.name ?? 'no model of Claude'}`
  if (regionClass === here || regionClass === inside(region)) return undefined
  return `it may run in '${regionClass}', where plain names stay in '${here}'`
}

/** Where a profile leads by what was found out about it. */
export function ledToBy(offer: Offer, region: string): Destination {
  const { id: modelId, regions } = offer
  return { modelId, model: modelOf(offer), regionClass: classOf(regions, region) }
}

/** Every region it may run in is named; none is everywhere. */
function classOf(regions: readonly string[] | undefined, here: string): string {
  if (regions?.length === 0) return 'global'
  return geographyOf(regions && regions.length > 1 ? regions : [], here)
}

const OF_ACCOUNT =
  /^arn:aws[a-z-]*:bedrock:([a-z0-9-]+):\d{12}:application-inference-profile\/[a-z0-9]{1,64}$/
const MODEL = /^claude-[a-z0-9.-]{1,100}$/
const MOST = 100

/** By the plain names of models; undefined where there are none. Written `claude-opus-5-5=arn:…, claude-haiku-5-5=arn:…`. */
export function profilesIn(text: string | undefined): Readonly<Record<string, string>> | undefined {
  if (!text) return undefined
  return Object.fromEntries(
    pairsIn(text).map(([name, arn]) => [modelNamed(name)?.name ?? name, arn.replaceAll(/%2f/gi, '/')]),
  )
}

/** What such a text must be, in words; undefined where it is. */
export function profilesWrong(text: string, region: string): string | undefined {
  const pairs = pairsIn(text)
  const names = new Set(pairs.map(([name]) => modelNamed(name)?.name ?? name))
  const isGood = ([name, arn]: readonly [string, string]) =>
    MODEL.test(name) && OF_ACCOUNT.exec(arn.replaceAll(/%2f/gi, '/'))?.[1] === region
  if (pairs.length <= MOST && names.size === pairs.length && pairs.every(isGood)) return undefined
  return `be names of models, each once, with ARNs of application inference profiles in ${region}, such as claude-opus-5-5=arn:…`
}

function pairsIn(text: string): [string, string][] {
  return text.split(',').map((part) => {
    const [name = '', ...arn] = part.split('=')
    return [name.trim(), arn.join('=').trim()]
  })
}
