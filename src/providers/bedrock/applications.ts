/**
 * Application inference profiles: an account's own, which AWS's bill tells apart by their tags. Each leads to a model,
 * which is found out and not believed.
 * https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-create.html
 */
import { GatewayError } from '../../errors.ts'
import type { Offer } from '../../protocol/findings.ts'
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
