/** Fields that several resources of the admin API have, and how they are stored. */
import { z } from '@hono/zod-openapi'
import { GatewayError } from '../../errors.ts'
import { text } from './resource.ts'

/** A name for people. */
export const name = text(200).trim().min(1)

const patterns = z.array(text(200).min(1)).max(100).nullable()

export const models = patterns.describe(
  'Models that may be used, * for any run of characters; null is every model.',
)
export const deniedModels = patterns.describe('Models that are refused even so, * for any run of characters.')

const most = (amount: number) => z.int().min(1).max(amount).nullable()

const amounts = {
  requests_per_minute: most(1_000_000).describe('Null is no limit.'),
  tokens_per_minute: most(1_000_000_000).describe(
    'Input, cache writes and output; what is read from a cache does not count. Null is no limit.',
  ),
  concurrent: most(1_000_000).describe('Calls under way at once. Null is no limit.'),
}

/** What may be sent, as it is shown. */
export const limitsView = z.object(amounts)
/** And as it is wished for: what is left out stays as it is. */
export const limitsWish = z.strictObject(amounts).partial()

interface Allowance {
  requestsPerMinute: number | null
  tokensPerMinute: number | null
  concurrent: number | null
}

export function storedLimits(wish: z.infer<typeof limitsWish> = {}) {
  const { requests_per_minute: requestsPerMinute, tokens_per_minute: tokensPerMinute, concurrent } = wish
  return { requestsPerMinute, tokensPerMinute, concurrent }
}

/** Of somebody, or something, new: what is left out is no limit. */
export function newLimits(wish?: z.infer<typeof limitsWish>): Allowance {
  const { requestsPerMinute = null, tokensPerMinute = null, concurrent = null } = storedLimits(wish)
  return { requestsPerMinute, tokensPerMinute, concurrent }
}

export function shownLimits({
  requestsPerMinute,
  tokensPerMinute,
  concurrent,
}: Allowance): z.infer<typeof limitsView> {
  return { requests_per_minute: requestsPerMinute, tokens_per_minute: tokensPerMinute, concurrent }
}

/** A moment, with its offset. */
export const instant = z.iso
  .datetime({ offset: true })
  .transform((written) => new Date(written))
  .openapi({ type: 'string', format: 'date-time' })

export const path = z.object({ id: text(128) })

/** Begins with this, in upper or lower case. */
export const search = text(200).optional()

export function noSuch(what: string, id: string): GatewayError {
  return new GatewayError('not_found_error', `There is no ${what} '${id}'.`)
}

/** For what only the database can tell, since somebody else may be faster. */
export function conflict(sentence: string): GatewayError {
  return new GatewayError('invalid_request_error', sentence, { status: 409 })
}

/** What of a wish was said: what is undefined stays as it is. */
export function said<T extends object>(wish: T): { [Field in keyof T]?: Exclude<T[Field], undefined> } {
  return Object.fromEntries(Object.entries(wish).filter(([, value]) => value !== undefined)) as ReturnType<
    typeof said<T>
  >
}
