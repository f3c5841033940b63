/** The steps of a call's way, each as a sentence. */
import type { TrailStep } from '../../data/tables/trail.ts'
import { dollars } from '../budgetwords.ts'
import type { FailureClass } from './failures.ts'
import { quoted, took } from './plainly.ts'

/** @param before the steps before it */
export function stepInWords(
  step: TrailStep,
  before: readonly TrailStep[],
  nameOf: (upstream: string) => string,
): string {
  const name = (id: string) => quoted(nameOf(id))
  const at = `At ${took(step.at)}`
  switch (step.did) {
    case 'sent':
      return `${at} ${sent(step, before, name(step.upstream))}`
    case 'failed':
      return `${at} ${name(step.upstream)} ${FAILURES[step.class as FailureClass] ?? 'failed'} (${step.error}).`
    case 'retried':
      return `${at} ${name(step.upstream)} objected to ${step.without.map(quoted).join(', ')}: it was asked again without that.`
    case 'continued':
      return `${at} the gateway had run the tools that the model called, and the turn went on at ${name(step.upstream)}.`
    case 'waited':
      return `${at} it waited for ${name(step.upstream)}, for ${took(step.ms)}: ${WAITS[step.why] ?? step.why}.`
    case 'weighed':
      return `${at} ${weighed(step, name)}`
    case 'stepped_down':
      return `${at} no upstream could take ${quoted(step.from)}: by the team's policy ${quoted(step.to)} was asked instead.`
    default:
      // A newer release has written it.
      return `At some time there was a step that this release has no words for: ${quoted(String((step as TrailStep).did))}.`
  }
}

function sent(
  { upstream, modelId, region, probe }: TrailStep & { did: 'sent' },
  before: readonly TrailStep[],
  name: string,
): string {
  const isAgain = before.some((each) => each.did === 'sent' && each.upstream === upstream)
  if (isAgain) return `it was sent to ${name} again.`
  const finding = probe ? ', to find out whether that works again' : ''
  return `it was sent to ${name} in ${region} as ${quoted(modelId)}${finding}.`
}

const FAILURES: Readonly<Record<FailureClass, string>> = {
  throttled: 'throttled it: its quota of tokens a minute was used up',
  spent_today: 'would take nothing more today: its quota of the day was used up',
  overloaded: 'said that it had too much to do',
  failed: 'failed with an error of its own',
  slow: 'did not answer in time',
  unreachable: 'could not be reached',
  credentials: "did not accept the gateway's credentials",
  billing: 'refused it for want of money, or of a subscription, of the account behind it',
  access: 'does not let its account use this model',
}

const WAITS: Readonly<Record<string, string>> = {
  headroom: 'its quota of tokens a minute had no room for the call',
  throttled: 'it had said that it had no room, and was to be asked again',
  breaker: 'calls had failed there just before, and the cache of the session is there',
}

function weighed(
  { from, to, rewriteNano, waitMs, chose }: TrailStep & { did: 'weighed' },
  name: (id: string) => string,
): string {
  if (chose === 'hedge' && to !== null)
    return `${name(from)} had not begun to answer after ${took(waitMs)}: ${name(to)} was to be asked beside it, for ${dollars(rewriteNano)} at the most, and the first to answer taken.`
  const wait = `waiting for ${name(from)} was expected to take ${took(waitMs)}`
  if (to === null) return `there was nowhere else to go, and ${wait}: it ${CHOSEN[chose]}.`
  const move = `going to ${name(to)} would cost ${dollars(rewriteNano)} for writing the cache of the session anew there`
  return `it was weighed: ${move}, ${wait}. It ${CHOSEN[chose]}.`
}

const CHOSEN = {
  hold: 'waited',
  move: 'went',
  hedge: 'went on waiting',
} as const
