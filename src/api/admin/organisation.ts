/** The organisation as a whole: its name, its clocks, its fiscal year, whom to ask, and how it is charged. */
import { z } from '@hono/zod-openapi'
import { ORGANISATION, type Organisation, withDefaults } from '../../gateway/organisation.ts'
import { forgetPrices } from '../../gateway/prices.ts'
import { calendarIn } from '../../gateway/windows.ts'
import { audited } from './audited.ts'
import { name, said } from './fields.ts'
import { json, operation, refusals, resource, text } from './resource.ts'

const fields = {
  name,
  time_zone: text(100)
    .refine(isTimeZone, "Input should be a time zone's IANA name, such as Europe/Berlin")
    .describe(
      'Days, weeks and months begin on its clocks. A row of the ledger keeps the day it was written with.',
    ),
  fiscal_start: z
    .int()
    .min(1)
    .max(12)
    .describe('The month in which the fiscal year, and so its quarters, begin.'),
  contact: text(200)
    .min(1)
    .nullable()
    .describe('Whom to ask for more, as refusals say it: a channel, or an address.'),
  unpriced: z
    .enum(['allow', 'block'])
    .describe('What becomes of calls to a model that no price is known for.'),
  multiplier_percent: z
    .int()
    .min(1)
    .max(1_000)
    .describe('What every price is multiplied by: 100 is as listed.'),
}

const organisationView = z.object(fields).openapi('Organisation')

const get = operation({
  needs: 'organisation.read',
  method: 'get',
  path: '/',
  summary: 'Look at the organisation',
  responses: { 200: { description: 'As it is.', content: json(organisationView) }, ...refusals },
})

const change = operation({
  needs: 'organisation.change',
  method: 'patch',
  path: '/',
  summary: 'Change what is said of the organisation; every replica knows it within a minute',
  request: { body: { required: true, content: json(z.strictObject(fields).partial()) } },
  responses: { 200: { description: 'As it is now.', content: json(organisationView) }, ...refusals },
})

export const organisation = resource()
  .openapi(get, async (c) => {
    return c.json(viewOf(withDefaults(await c.env.data.settings.get(ORGANISATION))), 200)
  })
  .openapi(change, async (c) => {
    const wish = c.req.valid('json')
    const after = await audited(c, async (tables) => {
      const before = withDefaults(await tables.settings.get(ORGANISATION))
      const changed = storedOf({ ...viewOf(before), ...said(wish) })
      await tables.settings.put(ORGANISATION, changed)
      const entry = {
        action: 'organisation.change',
        target: 'organisation',
        before: viewOf(before),
        after: viewOf(changed),
      }
      return { answer: changed, entry }
    })
    c.env.cache.forget(ORGANISATION)
    forgetPrices(c.env)
    return c.json(viewOf(after), 200)
  })

function isTimeZone(zone: string): boolean {
  try {
    calendarIn(zone, 1)
    return true
  } catch {
    return false
  }
}

type View = z.infer<typeof organisationView>

function viewOf(said: Organisation): View {
  const { name, timeZone: time_zone, fiscalStart: fiscal_start, contact, unpriced } = said
  return { name, time_zone, fiscal_start, contact, unpriced, multiplier_percent: said.multiplier }
}

function storedOf(view: View): Organisation {
  const { name, time_zone: timeZone, fiscal_start: fiscalStart, contact, unpriced } = view
  return { name, timeZone, fiscalStart, contact, unpriced, multiplier: view.multiplier_percent }
}
