/** Finds out what an account on AWS offers, without a call to a model; what it may not find out is said by name. */
import type { Check, Findings, Offer, Quota } from '../../protocol/findings.ts'
import type { Surveying, Upstream } from '../provider.ts'
import { ACTIONS } from './actions.ts'
import { applicationWrong } from './applications.ts'
import { askedAccess } from './availability.ts'
import { enter, settled, type Tried, tried } from './checks.ts'
import type { Asker } from './control.ts'
import { applicationNamed, applicationProfiles, systemProfiles } from './discover.ts'
import { baseOf, modelOf, offerOf } from './offers.ts'
import { platformModels } from './platform.ts'
import { quotasOf } from './quotas.ts'

const QUOTAS_HOLD = 6 * 3_600_000
/** Profiles of the account's own that are kept: the others are looked up when they are first asked for. */
const MOST_APPLICATIONS = 500

/** See `Provider.survey`. */
export async function survey(
  upstream: Upstream,
  lent: Surveying,
  known: Findings | undefined,
): Promise<Findings> {
  const { isIn, checks: entered } = await enter(upstream, lent.entrance)
  if (!isIn) return { checks: entered }
  const asker = { upstream, lent }
  if (upstream.wire === 'claude-platform') {
    const listed = await tried(ACTIONS.platformModels, () => platformModels(asker))
    return { ...(listed.value ? { offers: listed.value } : {}), checks: settled([listed], entered) }
  }
  const [listed, own, quotas] = await Promise.all([
    tried(ACTIONS.list, () => systemProfiles(asker)),
    ownProfiles(asker, known),
    quotasNow(asker, known),
  ])
  const access = await askedAccess(asker, listed.value, known)
  return {
    ...(listed.value ? { offers: onWire(upstream, listed.value.map(access.judged)) } : {}),
    applications: own.offers.map(access.judged),
    ...(quotas?.value ? { quotas: quotas.value } : {}),
    checks: [
      ...settled([listed, ...own.tries, access, ...(quotas ? [quotas] : [])], entered),
      ...wrongProfiles(upstream, own.offers),
    ],
    asked: { ...known?.asked, ...access.asked, ...(quotas?.value ? { quotas: lent.now() } : {}) },
  }
}

/** Mantle knows models by their plain names, wherever the profiles of the account lead. */
function onWire({ wire }: Upstream, offers: readonly Offer[]): readonly Offer[] {
  if (wire !== 'mantle') return offers
  const byName = new Map<string, Offer>()
  for (const offer of offers) {
    const [model, baseId] = [modelOf(offer), baseOf(offer)]
    if (!model || !baseId) continue
    const id = `anthropic.${model.name}`
    const { refused } = offer
    if (!byName.get(id) || refused === undefined)
      byName.set(id, refused === undefined ? { id, baseId } : { id, baseId, refused })
  }
  return [...byName.values()]
}

interface Own {
  offers: Offer[]
  tries: Tried<unknown>[]
}

/**
 * The account's own profiles: those that models are set to go through are asked for one by one. What cannot be had stays
 * as it was known.
 */
async function ownProfiles(
  asker: Asker & { upstream: Upstream },
  { applications = [] }: Partial<Findings> = {},
): Promise<Own> {
  const wanted = [...new Set(Object.values(asker.upstream.profiles ?? {}))]
  const [listed, ...named] = await Promise.all([
    tried(ACTIONS.list, () => applicationProfiles(asker)),
    ...wanted.map((arn) => tried(ACTIONS.profile, () => applicationNamed(arn, asker))),
  ])
  const found = wanted.flatMap((arn, index) => named[index]?.value ?? offerOf(arn, applications) ?? [])
  const rest = (listed.value ?? applications).filter(({ id }) => !wanted.includes(id))
  return { offers: [...found, ...rest.slice(0, MOST_APPLICATIONS)], tries: [listed, ...named] }
}

/** For each model whose profile is not the one for it: calls to it are refused. */
export function wrongProfiles(
  { profiles = {}, region, profile: here = 'global' }: Upstream,
  offers: readonly Offer[],
): Check[] {
  return Object.entries(profiles).flatMap(([name, arn]): Check[] => {
    const offer = offers.find(({ id }) => id === arn)
    const wrong = offer && applicationWrong(name, offer, region, here)
    if (wrong === undefined) return []
    const says = `The application inference profile set for ${name} cannot be used, as ${wrong}: correct the setting profiles.`
    return [{ action: 'profiles', verdict: 'refused', says }]
  })
}

/** Undefined where there is nothing to ask: an API key for Bedrock opens no other service, and quotas change rarely. */
async function quotasNow(
  asker: Asker & { lent: Surveying },
  known: Findings | undefined,
): Promise<Tried<Quota[]> | undefined> {
  const { upstream, lent } = asker
  if ('bearer' in (await upstream.credentials.get())) return undefined
  const isFresh = lent.now() - (known?.asked?.quotas ?? Number.NEGATIVE_INFINITY) < QUOTAS_HOLD
  if (known?.quotas && isFresh) return undefined
  return tried(ACTIONS.quotas, () => quotasOf(asker, lent.quotasEndpoint))
}
