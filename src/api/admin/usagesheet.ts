/** A report of usage as a file for spreadsheets, made a piece at a time. */
import type { Grouping, Sums, UsageReport, UsageRow } from '../../data/usage.ts'
import { toCsv } from '../../protocol/csv.ts'

/** What a group is called. What belongs to no team, or to no user, has an empty one. */
export function fieldsOf(
  groupings: readonly Grouping[],
  { group, names }: UsageRow,
): [string, string | null][] {
  return groupings.flatMap((grouping) => {
    const field: [string, string | null] = [grouping, group[grouping] || null]
    return isNamed(grouping) ? [field, [`${grouping}_name`, names[grouping] ?? null]] : [field]
  })
}

function isNamed(grouping: Grouping): grouping is 'team' | 'user' | 'key' {
  return grouping === 'team' || grouping === 'user' || grouping === 'key'
}

const SUMS = {
  requests: ({ requests }) => requests,
  failures: ({ failures }) => failures,
  input_tokens: ({ input }) => input,
  cache_read_tokens: ({ cacheRead }) => cacheRead,
  cache_write_5m_tokens: ({ cacheWrite5m }) => cacheWrite5m,
  cache_write_1h_tokens: ({ cacheWrite1h }) => cacheWrite1h,
  output_tokens: ({ output }) => output,
  web_searches: ({ webSearches }) => webSearches,
  cost_nano: ({ costNano }) => costNano,
  unpriced_requests: ({ unpricedRequests }) => unpricedRequests,
  unpriced_tokens: ({ unpricedTokens }) => unpricedTokens,
} as const satisfies Readonly<Record<string, (of: Sums) => number>>

/** Its header, then its lines, some at a time. */
export function* sheetOf(groupings: readonly Grouping[], { parts, totals }: UsageReport): Generator<string> {
  const header = groupings.flatMap((each) => (isNamed(each) ? [each, `${each}_name`] : [each]))
  const figures = (of: Sums) => [...Object.values(SUMS).map((figure) => figure(of)), dollars(of.costNano)]
  yield toCsv([[...header, ...Object.keys(SUMS), 'cost_usd']])
  // Grouped by nothing, what there is to say is the total.
  if (groupings.length === 0) yield toCsv([figures(totals)])
  for (const rows of parts())
    yield toCsv(rows.map((row) => [...fieldsOf(groupings, row).map(([, value]) => value), ...figures(row)]))
}

/** A piece is made when there is room for it, and nothing else to do. */
export function streamOf(pieces: Generator<string>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  return new ReadableStream({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve))
      const { value, done } = pieces.next()
      if (done) controller.close()
      else controller.enqueue(encoder.encode(value))
    },
  })
}

/** To the last nano-dollar. */
function dollars(nano: number): string {
  const digits = String(nano).padStart(10, '0')
  return `${digits.slice(0, -9)}.${digits.slice(-9)}`
}
