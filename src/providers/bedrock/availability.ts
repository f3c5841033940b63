/** Which of the models that are listed an account may call: asked of each, a few at a time, and not every time. */
import type { Findings, Offer } from '../../protocol/findings.ts'
import { splitProfile } from '../../protocol/models.ts'
import type { Surveying, Upstream } from '../provider.ts'
import { ACTIONS } from './actions.ts'
import { passed, type Tried, tried, unknown } from './checks.ts'
import { type Asker, AwsRefusal } from './control.ts'
import { noAccessTo } from './discover.ts'
import { isReachable } from './geographies.ts'
import { baseOf } from './offers.ts'

/** What is granted stays granted for a while; what was refused is asked about every time. */
const ACCESS_HOLDS = 3_600_000
/** Questions at a time: AWS throttles its control plane too. */
const AT_ONCE = 4

interface Access extends Tried<unknown> {
  /** The offer, with why it may not be called. */
  judged(offer: Offer): Offer
  asked: { availability?: number }
}

export async function askedAccess(
  asker: { upstream: Upstream; lent: Surveying },
  listed: readonly Offer[] | undefined,
  known: Findings | undefined,
): Promise<Access> {
  const { upstream, lent } = asker
  const verdicts = new Map<string, string | undefined>()
  for (const offer of known?.offers ?? []) verdicts.set(baseOf(offer) ?? '', offer.refused)
  const isFresh = lent.now() - (known?.asked?.availability ?? Number.NEGATIVE_INFINITY) < ACCESS_HOLDS
  const bases = basesIn(listed ?? [], upstream.profile ?? 'global')
  const due = bases.filter((base) => !isFresh || !verdicts.has(base) || verdicts.get(base) !== undefined)
  const outcome = listed ? await tryOn(due, verdicts, asker) : UNTOLD
  const isWhole = !isFresh && outcome.check.verdict === 'passed'
  return {
    ...outcome,
    asked: isWhole ? { availability: lent.now() } : {},
    judged(offer) {
      const refused = offer.refused ?? verdicts.get(baseOf(offer) ?? '')
      return refused === undefined ? offer : { ...offer, refused }
    },
  }
}

const UNTOLD: Tried<never> = {
  check: unknown(ACTIONS.availability.name, 'Not to be told until models may be listed.'),
}

async function tryOn(
  due: readonly string[],
  verdicts: Map<string, string | undefined>,
  asker: Asker,
): Promise<Tried<unknown>> {
  if (due.length === 0) return { check: passed(ACTIONS.availability) }
  return tried(ACTIONS.availability, async () => {
    let failure: unknown
    await eachOf(due, AT_ONCE, async (base) => {
      try {
        verdicts.set(base, await noAccessTo(base, asker))
      } catch (error) {
        failure ??= error
        // Who may not ask about one may ask about none.
        if (error instanceof AwsRefusal && error.status === 403) throw error
      }
    })
    if (failure) throw failure
  })
}

/** Of the profiles that may be asked for here; whether one may be called elsewhere does not matter. */
function basesIn(offers: readonly Offer[], here: string): string[] {
  const reachable = offers.flatMap(({ id }) => {
    const { prefix, baseId } = splitProfile(id) ?? {}
    return prefix !== undefined && baseId !== undefined && isReachable(prefix, here) ? [baseId] : []
  })
  return [...new Set(reachable)]
}

async function eachOf<Item>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const waiting = [...items]
  const hands = Array.from({ length: Math.min(atOnce, waiting.length) }, async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item)
  })
  await Promise.all(hands)
}
