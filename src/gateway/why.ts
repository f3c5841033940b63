/** A row of the ledger as somebody may see it, and its story. */
import type { SettledRow } from '../data/rows.ts'
import type { Candidate, Trail, TrailStep } from '../data/tables/trail.ts'
import { GatewayError } from '../errors.ts'
import { nameOfRun } from '../protocol/models.ts'
import type { Runtime } from '../runtime.ts'
import type { Principal } from './authenticate.ts'
import { priceInWords } from './prices/pricewords.ts'
import { pricesOf } from './prices.ts'
import { modelOfRow } from './resolve.ts'
import { upstreamNames } from './routing/names.ts'
import { storyOf } from './routing/story.ts'

/** Nobody is asked but the cache, and the database for what the cache does not hold. */
export async function storyFor(runtime: Runtime, row: SettledRow, isOperators: boolean): Promise<string[]> {
  const [nameOf, prices, { model, regionClass }] = await Promise.all([
    upstreamNames(runtime),
    pricesOf(runtime),
    modelOfRow(runtime, row, undefined),
  ])
  const ran = { provider: row.provider, model: nameOfRun({ ...row, model }), regionClass }
  const seen = isOperators ? row : asOthersSee(row)
  return storyOf({
    row: seen,
    price: priceInWords(row, { ...ran, model: nameOfRun({ ...seen, model }) }, prices),
    nameOf,
    isOperators,
  })
}

/** Numbers of accounts, and what is wrong with an account or its settings, are for whoever runs the gateway. */
export function asOthersSee(row: SettledRow): SettledRow {
  return { ...row, modelId: withoutAccounts(row.modelId), trail: row.trail && trailAsOthersSee(row.trail) }
}

function trailAsOthersSee(trail: Trail): Trail {
  return {
    ...trail,
    candidates: trail.candidates.map(candidateAsOthersSee),
    steps: trail.steps.map(stepAsOthersSee),
  }
}

function candidateAsOthersSee({ detail, ...rest }: Candidate): Candidate {
  if (detail === undefined || rest.reason === 'misconfigured' || rest.reason === 'unhealthy') return rest
  return { ...rest, detail: withoutAccounts(detail) }
}

function stepAsOthersSee(step: TrailStep): TrailStep {
  return step.did === 'sent' ? { ...step, modelId: withoutAccounts(step.modelId) } : step
}

/** AWS's numbers of accounts have twelve digits. */
function withoutAccounts(text: string): string {
  return text.replaceAll(/(?<!\d)\d{12}(?!\d)/g, '…')
}

/**
 * The row of a request that this key may ask about: its own, and those of whose key it is.
 * @throws GatewayError not_found_error for any other, whether or not there is such a request.
 */
export async function ownRequest(
  { data }: Runtime,
  { keyId, userId }: Pick<Principal, 'keyId' | 'userId'>,
  id: string,
): Promise<SettledRow> {
  const row = isRequestId(id) ? await data.ledger.byId(id) : undefined
  const isOwn = row && (row.keyId === keyId || (userId !== null && row.userId === userId))
  if (!isOwn) throw noSuchRequest(id)
  return row
}

/** A row that is not to be seen is not there. */
export function noSuchRequest(id: string): GatewayError {
  return new GatewayError(
    'not_found_error',
    `There is no request '${id.slice(0, 128)}' in the ledger. One that has just begun may take a second to be there.`,
  )
}

/** Anything else is not looked for: what a client makes up may hold anything. */
function isRequestId(id: string): boolean {
  return /^req_[0-9a-f]{32}$/.test(id)
}
