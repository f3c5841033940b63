/**
 * What an account offers, as Bedrock's control plane lists it: inference profiles of every geography and the account's
 * own, and which models it has access to.
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/API_ListInferenceProfiles.html
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/API_GetFoundationModelAvailability.html
 */
import type { Offer } from '../../protocol/findings.ts'
import { splitProfile } from '../../protocol/models.ts'
import { type Asker, AwsRefusal, askControl, everyPage, listOf, wordOf } from './control.ts'

/** The most that AWS gives at once. */
const PAGE = 1_000

/** The inference profiles of AWS that lead to Claude. @throws as `everyPage` does. */
export async function systemProfiles(asker: Asker): Promise<Offer[]> {
  const profiles = await profilesOf('SYSTEM_DEFINED', asker)
  return profiles.flatMap((profile) => {
    const id = wordOf(profile, 'inferenceProfileId') ?? ''
    if (!splitProfile(id)?.prefix || statusOf(profile) !== ACTIVE) return []
    const { regions } = ledToIn(profile)
    return [regions.length > 0 || isEverywhere(profile) ? { id, regions } : { id }]
  })
}

/** The account's own that lead to Claude, by ARN. @throws as `everyPage` does. */
export async function applicationProfiles(asker: Asker): Promise<Offer[]> {
  return (await profilesOf('APPLICATION', asker)).flatMap((profile) => {
    const offer = applicationOffer(profile)
    return offer ? [offer] : []
  })
}

/** One profile, asked for by its ARN. @throws as `askControl` does. */
export async function applicationNamed(arn: string, asker: Asker): Promise<Offer> {
  try {
    const profile = await askControl(`/inference-profiles/${encodeURIComponent(arn)}`, asker)
    const offer = applicationOffer(profile)
    return offer ? { ...offer, id: arn } : { id: arn, refused: 'it leads to no model of Claude' }
  } catch (error) {
    const isGone = error instanceof AwsRefusal && /^(ResourceNotFound|Validation)/.test(error.code)
    if (!isGone) throw error
    return { id: arn, refused: 'there is no such inference profile in the account and region' }
  }
}

function profilesOf(type: 'SYSTEM_DEFINED' | 'APPLICATION', asker: Asker): Promise<unknown[]> {
  return everyPage(async (token) => {
    const query = new URLSearchParams({ type, maxResults: String(PAGE) })
    if (token !== undefined) query.set('nextToken', token)
    const page = await askControl(`/inference-profiles?${query}`, asker)
    return { items: listOf(page, 'inferenceProfileSummaries'), next: wordOf(page, 'nextToken') }
  })
}

function applicationOffer(profile: unknown): Offer | undefined {
  const id = wordOf(profile, 'inferenceProfileArn')
  const { baseId, regions } = ledToIn(profile)
  if (id === undefined || baseId === undefined) return undefined
  return withStatus({ id, baseId, regions }, profile)
}

const ACTIVE = 'ACTIVE'

function statusOf(profile: unknown): string {
  return wordOf(profile, 'status') ?? ACTIVE
}

function withStatus(offer: Offer, profile: unknown): Offer {
  const status = statusOf(profile)
  return status === ACTIVE ? offer : { ...offer, refused: `its status is ${status.toLowerCase()}` }
}

const MODEL_ARN = /^arn:aws[a-z-]*:bedrock:([a-z0-9-]*):\d*:(?:foundation-model|inference-profile)\/(.+)$/

/** Each region that it may run in has an entry; one without a region is everywhere, which is no region here. */
function ledToIn(profile: unknown): { baseId: string | undefined; regions: string[] } {
  const arns = arnsIn(profile)
  const bases = new Set(arns.map(({ id }) => splitProfile(id)?.baseId))
  const regions = [...new Set(arns.map(({ region }) => region))]
  const [baseId] = bases
  // What leads to two models leads to none that could be named.
  return { baseId: bases.size === 1 ? baseId : undefined, regions: regions.includes('') ? [] : regions }
}

function isEverywhere(profile: unknown): boolean {
  return arnsIn(profile).some(({ region }) => region === '')
}

function arnsIn(profile: unknown): { region: string; id: string }[] {
  return listOf(profile, 'models').flatMap((model) => {
    const [, region, id] = MODEL_ARN.exec(wordOf(model, 'modelArn') ?? '') ?? []
    return region === undefined || id === undefined ? [] : [{ region, id }]
  })
}

/**
 * Why an account may not call a model; undefined where it may. Whether the model is in the region itself does not matter:
 * a profile takes calls elsewhere. Nor does it that there is no subscription yet: AWS subscribes an account with its first
 * call. https://docs.aws.amazon.com/bedrock/latest/userguide/model-access.html
 * @throws as `askControl` does.
 */
export async function noAccessTo(baseId: string, asker: Asker): Promise<string | undefined> {
  const said = await askControl(`/foundation-model-availability/${encodeURIComponent(baseId)}`, asker)
  return wordOf(said, 'authorizationStatus') === 'NOT_AUTHORIZED'
    ? 'the account is not authorised for it: see its policies and those of its organisation'
    : undefined
}
