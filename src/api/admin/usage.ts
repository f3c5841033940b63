/** Usage: reports of what was used and what it cost, as JSON and as CSV. */
import { z } from '@hono/zod-openapi'
import { GROUPINGS, type Grouping, type Sums } from '../../data/usage.ts'
import { GatewayError } from '../../errors.ts'
import { daysOf, usageReport } from '../../gateway/usage.ts'
import { json, operation, refusals, resource, text } from './resource.ts'
import { fieldsOf, sheetOf, streamOf } from './usagesheet.ts'

const NAMES = Object.keys(GROUPINGS) as Grouping[]
const SESSION_CLASSES = ['main', 'agent', 'other'] as const

/** Rows of a page. */
const MOST_ROWS = 5_000
/** Lines of a CSV: what is larger than that no spreadsheet takes with pleasure. */
const MOST_LINES = 50_000

const count = z.number().int()
const sums = {
  requests: count,
  failures: count.describe('Of these, the ones that were refused, given up, cut short or lost.'),
  usage: z.object({
    input: count,
    cache_read: count,
    cache_write_5m: count,
    cache_write_1h: count,
    output: count,
  }),
  web_searches: count,
  cost_nano: count.describe('Nano-dollars, of the requests that have a price.'),
  unpriced: z.object({ requests: count, tokens: count }).describe('What no price is known for.'),
}

const id = z.string().nullable()
const name = z.string().nullable().describe('As it is now; null where there is none.')
const usageView = z
  .object({
    month: z.string().describe('2026-11').optional(),
    week: z.iso.date().describe('The Monday it begins with.').optional(),
    day: z.iso.date().optional(),
    hour: z.iso.datetime().describe('UTC').optional(),
    team: id.optional(),
    team_name: name.optional(),
    user: id.optional(),
    user_name: name.optional(),
    key: z.string().optional(),
    key_name: name.optional(),
    model: z.string().describe('By its plain name, as it ran.').optional(),
    upstream: z.string().optional(),
    session_class: z.enum(SESSION_CLASSES).optional(),
    ...sums,
  })
  .openapi('Usage')

const reportView = z
  .object({
    as_of: z.iso
      .datetime()
      .nullable()
      .describe('What was written to the ledger before then is in it; null where nothing was counted yet.'),
    from: z.iso.date(),
    to: z.iso.date(),
    by: z.array(z.enum(NAMES)),
    data: z.array(usageView),
    next: z.string().nullable(),
    totals: z.object(sums).describe('Of all groups, on whichever page.'),
  })
  .openapi('UsageReport')

const by = z
  .string()
  .max(200)
  .default('day')
  .transform((said) => [
    ...new Set(
      said
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== ''),
    ),
  ])
  .pipe(z.array(z.enum(NAMES)))
  .openapi({
    type: 'string',
    description: `What to group by, one or several with commas between: ${NAMES.join(', ')}. Nothing gives the totals alone.`,
  })

const about = {
  by,
  from: z.iso
    .date()
    .optional()
    .describe('In the time zone of the organisation; else thirty days before `to`.'),
  to: z.iso.date().optional().describe('Included; else today.'),
  team: text(128).optional(),
  user: text(128).optional(),
  key: text(128).optional(),
  model: text(256).optional().describe('A name, or a pattern with * for any run of characters.'),
  upstream: text(128).optional(),
  session_class: z.enum(SESSION_CLASSES).optional(),
}

const report = operation({
  needs: 'usage.read',
  method: 'get',
  path: '/usage',
  summary: 'Report what was used and what it cost: by time first, then the most expensive first',
  request: {
    query: z.object({
      ...about,
      limit: z.coerce.number().int().min(1).max(MOST_ROWS).default(1_000),
      cursor: z
        .string()
        .regex(/^\d{1,9}$/, 'Input should be what `next` was')
        .optional(),
    }),
  },
  responses: { 200: { description: 'The report, a page of it.', content: json(reportView) }, ...refusals },
})

const download = operation({
  needs: 'usage.read',
  method: 'get',
  path: '/usage.csv',
  summary: 'The same report as a file for spreadsheets, whole',
  request: { query: z.object(about) },
  responses: {
    200: { description: 'A line for each group.', content: { 'text/csv': { schema: z.string() } } },
    ...refusals,
  },
})

export const usage = resource()
  .openapi(report, async (c) => {
    const {
      limit,
      cursor = '0',
      session_class: sessionClass,
      from: first,
      to: last,
      ...rest
    } = c.req.valid('query')
    const { from, to } = daysOf({ from: first, to: last }, c.env.now())
    const offset = Number(cursor)
    const query = { ...rest, from, to, sessionClass, owners: c.var.scope, offset, limit }
    const { asOf, parts, totals, groups } = await usageReport(c.env, query)
    const rows = [...parts()].flat()
    return c.json(
      {
        as_of: asOf?.toISOString() ?? null,
        from,
        to,
        by: rest.by,
        data: rows.map((row) => ({
          ...(Object.fromEntries(fieldsOf(rest.by, row)) as Group),
          ...sumsView(row),
        })),
        next: groups > offset + rows.length && rows.length > 0 ? String(offset + rows.length) : null,
        totals: sumsView(totals),
      },
      200,
    )
  })
  .openapi(download, async (c) => {
    const { session_class: sessionClass, from: first, to: last, ...rest } = c.req.valid('query')
    const { from, to } = daysOf({ from: first, to: last }, c.env.now())
    const query = { ...rest, from, to, sessionClass, owners: c.var.scope, offset: 0, limit: MOST_LINES }
    const found = await usageReport(c.env, query)
    if (found.groups > MOST_LINES) {
      throw new GatewayError(
        'invalid_request_error',
        `by: this makes ${found.groups} lines, and a file has ${MOST_LINES} at the most. Ask for fewer days, or group by less.`,
      )
    }
    return c.body(streamOf(sheetOf(rest.by, found)), 200, {
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': `attachment; filename="usage-${from}-${to}.csv"`,
    })
  })

type Group = Omit<z.infer<typeof usageView>, keyof typeof sums>

function sumsView(of: Sums) {
  return {
    requests: of.requests,
    failures: of.failures,
    usage: {
      input: of.input,
      cache_read: of.cacheRead,
      cache_write_5m: of.cacheWrite5m,
      cache_write_1h: of.cacheWrite1h,
      output: of.output,
    },
    web_searches: of.webSearches,
    cost_nano: of.costNano,
    unpriced: { requests: of.unpricedRequests, tokens: of.unpricedTokens },
  }
}
