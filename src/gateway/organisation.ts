/** What is said of the organisation as a whole: one setting, read by everything that knows of days and of money. */
import type { Runtime } from '../runtime.ts'
import { type Calendar, calendarIn } from './windows.ts'

export interface Organisation {
  name: string
  /** Of IANA, as in `Europe/Berlin`: days and months begin on its clocks. */
  timeZone: string
  /** The month in which the fiscal year, and so its quarters, begin: 1 to 12. */
  fiscalStart: number
  /** Whom to ask for more, as refusals say it: `#ai-budget`, or an address. */
  contact: string | null
  /** What becomes of calls to a model that no price is known for. */
  unpriced: 'allow' | 'block'
  /** What every price is multiplied by, in percent. */
  multiplier: number
}

/** The setting's name, and what the cache knows it by. */
export const ORGANISATION = 'organisation'

export const UNSAID: Organisation = {
  name: 'The organisation',
  timeZone: 'UTC',
  fiscalStart: 1,
  contact: null,
  unpriced: 'allow',
  multiplier: 100,
}

const TRUST = 60_000

interface Known extends Organisation {
  calendar: Calendar
}

/** Undefined where it has to be asked for. */
export function organisationAtHand({ cache }: Runtime): Known | undefined {
  return cache.known(ORGANISATION)
}

/** The organisation and its calendar, from the cache. */
export function organisationOf({ cache, data, config }: Runtime): Promise<Known> {
  return cache.remember(ORGANISATION, async () => {
    const said = withDefaults(await data.settings.get(ORGANISATION))
    const calendar = calendarIn(said.timeZone, said.fiscalStart)
    return { value: { ...said, calendar }, ttl: TRUST, grace: config.outageGrace }
  })
}

/** What is stored, and for what is not, what goes without saying. */
export function withDefaults(stored: unknown): Organisation {
  return { ...UNSAID, ...(stored as Partial<Organisation> | undefined) }
}
