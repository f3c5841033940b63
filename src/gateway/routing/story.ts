/**
 * A row of the ledger in sentences: which upstreams were looked at and why each was left out, what was tried, what failed
 * and how, how long it waited and why, what was left out, where it ran, what it cost. For whoever wonders at two in the
 * morning why their call was slow, or ran elsewhere. It is made of the row alone, so that it is the same a year later.
 */
import type { SettledRow } from '../../data/rows.ts'
import type { Candidate, Trail } from '../../data/tables/trail.ts'
import type { Reason } from './choice.ts'
import { isWithin, reachInWords } from './geography.ts'
import { inWords } from './nowhere.ts'
import { plainly, quoted, took } from './plainly.ts'
import { stepInWords } from './storysteps.ts'

export interface Telling {
  row: SettledRow
  /** What its price is made of; no sentence where there is nothing to say of that. */
  price: readonly string[]
  /** An upstream's name, by its id. */
  nameOf(upstream: string): string
  /** Whoever runs this gateway may read what is wrong with its accounts; others may not. */
  isOperators: boolean
}

export function storyOf(telling: Telling): string[] {
  const { row, price } = telling
  const sentences = [
    arrival(row),
    ...choosing(telling),
    ...budgetsSay(row),
    ...steps(telling),
    ...removals(row.trail),
    ...place(telling),
    ...ending(row),
    ...price,
  ]
  return sentences.map(plainly)
}

function arrival({ startedAt, stream, model, sessionId, agentId }: SettledRow): string {
  const time = startedAt.toISOString().slice(0, 19).replace('T', ' ')
  const how = stream ? 'to be streamed' : 'to be answered in one piece'
  const whose = sessionId === null ? '' : `, in the session ${quoted(sessionId)}`
  const agent = agentId === null ? '' : `, by its subagent ${quoted(agentId)}`
  return `A call for the model ${quoted(model)} came in at ${time} UTC${whose}${agent}, ${how}.`
}

const STRATEGIES: Readonly<Record<string, string>> = {
  sticky:
    'Its session was not kept to any upstream yet; the first in the order is where it is kept from now on.',
  priority: 'Upstreams are tried by priority.',
  weighted: 'Upstreams are tried in an order drawn by their weights.',
  least_loaded: 'Upstreams are tried by how little they had to do, the least first.',
}

function choosing({ row, nameOf, isOperators }: Telling): string[] {
  const { trail } = row
  if (!trail) return row.status === 'refused' && row.attempts === 0 ? [] : [NOTHING_TO_CHOOSE]
  const name = (id: string) => quoted(nameOf(id))
  const open = trail.candidates.filter(({ reason, despite }) => reason === undefined || despite)
  const [first, ...others] = open
  const order = [first, ...others].flatMap((each) => (each ? [name(each.upstream)] : []))
  return [
    ...(trail.bound === undefined ? [STRATEGIES[trail.strategy] ?? ''] : [keptTo(name(trail.bound), trail)]),
    others.length === 0
      ? `Only ${order[0] ?? 'none'} could take it.`
      : `It could go to ${order.join(', then ')}.`,
    ...trail.candidates.flatMap((each) => objection(each, name(each.upstream), isOperators)),
  ].filter((sentence) => sentence !== '')
}

const NOTHING_TO_CHOOSE = 'There was nothing to choose, and nothing went wrong on the way to the upstream.'

function keptTo(upstream: string, { bound, candidates }: Trail): string {
  const isFirst = candidates[0]?.upstream === bound
  return isFirst
    ? `Its session is kept to ${upstream}, where its cache is.`
    : `Its session was kept to ${upstream}, where its cache was, which could not come first now.`
}

function objection({ reason, detail, despite }: Candidate, name: string, isOperators: boolean): string[] {
  if (reason === undefined) return []
  const hidden = isOperators && detail !== undefined && (reason === 'misconfigured' || reason === 'unhealthy')
  const why = `${inWords(reason as Reason, detail) || reason}${hidden ? ` (${detail})` : ''}`
  return despite
    ? [`${name} stayed in the order for want of better ones, although ${why}.`]
    : [`${name} was left out: ${why}.`]
}

function budgetsSay({ budgetId, budgetAction, model, modelId }: SettledRow): string[] {
  switch (budgetAction) {
    case 'notify':
      return [`The budget ${budgetId} is spent so far that people were told; it let the call go on.`]
    case 'slow':
      return [`The budget ${budgetId} is spent so far that it slows calls down; it let this one go on.`]
    case 'step_down':
      return [
        `The budget ${budgetId} is spent so far that another model answers: ${quoted(model)} was asked for, ${quoted(modelId)} was called.`,
      ]
    case 'block':
      return [`The budget ${budgetId} is spent and refused it: no upstream was asked.`]
    default:
      return []
  }
}

function steps({ row: { trail }, nameOf }: Telling): string[] {
  if (!trail) return []
  const more = trail.more === undefined ? [] : [`There was more than is kept of it: ${trail.more} entries.`]
  return [
    ...trail.steps.map((step, index) => stepInWords(step, trail.steps.slice(0, index), nameOf)),
    ...more,
  ]
}

function removals(trail: Trail | null): string[] {
  if (!trail?.removed) return []
  return [`The upstream was not sent what it does not take: ${trail.removed.map(quoted).join(', ')}.`]
}

function place({ row, nameOf }: Telling): string[] {
  const { upstream, provider, region, modelId, regionClass, attempts, trail } = row
  if (attempts === 0) return []
  const ran = row.status === 'refused' ? 'was last sent to' : 'ran at'
  const where = `It ${ran} ${quoted(nameOf(upstream))} (${provider}, ${region}) as ${quoted(modelId)}`
  const reach = trail?.reach ?? reachOfClass(regionClass, region)
  const within = trail?.within ?? []
  const verdict = within.every((places) => isWithin(reach, places)) ? 'within' : 'BEYOND'
  const places = within.map((each) => each.join(' or ')).join(', and ')
  const allowed = within.length === 0 ? '' : `, ${verdict} what the policy allows: ${places}`
  return [`${where}: ${reachInWords(reach)}${allowed}.`]
}

/** Of a row that does not say it more exactly. */
function reachOfClass(regionClass: string | null, region: string): readonly string[] {
  return regionClass === null || regionClass === 'region' ? [region] : [regionClass]
}

function ending({
  status,
  errorType,
  stopReason,
  firstByteMs,
  durationMs,
  budgetAction,
}: SettledRow): string[] {
  const whole = durationMs === null ? '' : ` after ${took(durationMs)}`
  const first = firstByteMs === null ? '' : `, the first byte of it after ${took(firstByteMs)}`
  switch (status) {
    case 'succeeded':
      return [`It was answered to its end${whole}${first}${stopReason === null ? '' : ` (${stopReason})`}.`]
    case 'refused':
      if (budgetAction === 'block') return []
      return [
        `It was refused${whole} with ${errorType ?? 'an error'}, before anything of an answer had gone out.`,
      ]
    case 'failed_midstream':
      return [
        `Its answer broke off${whole}${first}, with ${errorType ?? 'an error'}: once there is content, no other upstream can go on with it.`,
      ]
    case 'cancelled':
      return [`The client hung up${whole}.`]
    case 'lost':
      return ['Its gateway was killed before it ended: this is what was known when it was last sent.']
    case 'pending':
      return ['It is under way, or how it ended has not come to the ledger yet.']
  }
}
