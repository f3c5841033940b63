/** What an account was found to be offered, and what of it a name means. Names are matched whole, never by a part. */
import { GatewayError } from '../../errors.ts'
import type { Offer } from '../../protocol/findings.ts'
import { goesBy, type Model, modelAs, modelBehind, splitProfile } from '../../protocol/models.ts'

/** By its id. */
export function offerOf(id: string, offers: readonly Offer[]): Offer | undefined {
  return offers.find((offer) => offer.id === id)
}

/**
 * The profile of this prefix whose model goes by a plain name. Where several do, by a date or a version that was not
 * asked for, it is the one that the table knows, else the latest.
 */
export function offerNamed(
  name: string,
  known: Model | undefined,
  prefix: string,
  offers: readonly Offer[],
): Offer | undefined {
  const shipped = known && offerOf(`${prefix}.${known.bedrockId}`, offers)
  if (shipped) return shipped
  // No id without the name in it can be its: most need not be taken apart.
  const stem = name.replace(/-\d{8}$/, '')
  let found: Offer | undefined
  for (const offer of offers) {
    if (!offer.id.startsWith(`${prefix}.`) || !offer.id.includes(stem)) continue
    const model = modelBehind(offer.id)
    if (model && goesBy(model, name) && (!found || isLater(offer.id, found.id))) found = offer
  }
  return found
}

/** Of two ids of one name: by date, then by version. */
function isLater(one: string, other: string): boolean {
  const [date, version] = stampOf(one)
  const [otherDate, otherVersion] = stampOf(other)
  return date === otherDate ? version > otherVersion : date > otherDate
}

function stampOf(id: string): [string, number] {
  const [, date = '', version = '0'] = /(?:-(\d{8}))?(?:-v(\d+)[:\d]*)?$/.exec(id) ?? []
  return [date, Number(version)]
}

/** @throws GatewayError not_found_error for what the account may not call, saying why. */
export function usable(name: string, offer: Offer | undefined): Offer | undefined {
  if (offer?.refused === undefined) return offer
  throw new GatewayError(
    'not_found_error',
    `The model '${name}' cannot be used by this gateway's AWS account: ${offer.refused}.`,
  )
}

/** The model that an offer leads to. */
export function modelOf({ id, baseId }: Offer): Model | undefined {
  return baseId === undefined ? modelBehind(id) : modelAs(baseId)
}

/** The base id of an offer. */
export function baseOf({ id, baseId }: Offer): string | undefined {
  return baseId ?? splitProfile(id)?.baseId
}
