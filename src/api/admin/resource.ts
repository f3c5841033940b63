/** What the resources of the admin API share: how they refuse, and how they list. */
import { OpenAPIHono, z } from '@hono/zod-openapi'
import { GatewayError } from '../../errors.ts'
import type { Env } from '../env.ts'

/** A resource whose routes answer bad input with the field and what it must be. */
export function resource() {
  return new OpenAPIHono<Env>({
    defaultHook: (result) => {
      if (result.success) return
      const issues = result.error.issues.map(({ path, message }) =>
        path.length > 0 ? `${path.join('.')}: ${message}` : message,
      )
      throw new GatewayError('invalid_request_error', issues.join('; '))
    },
  })
}

/** `{data, next}`: `next` is null on the last page. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.object({ data: z.array(item), next: z.string().nullable() })
}

/** Text that Postgres can hold. */
export function text(most: number) {
  return z
    .string()
    .max(most)
    .refine((value) => !value.includes('\0'), 'Input should not contain a NUL')
}

/** Query parameters of every list. */
export const paging = {
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  cursor: text(128).optional(),
}

/** Cuts a list that was asked for with one item too many, to see whether there is another page. */
export function cutPage<Item extends { id: string }>(items: readonly Item[], limit: number) {
  const data = items.slice(0, limit)
  return { data, next: items.length > limit ? (data.at(-1)?.id ?? null) : null }
}

export const failure = z
  .object({
    type: z.literal('error'),
    error: z.object({ type: z.string(), message: z.string() }),
    request_id: z.string(),
  })
  .openapi('Error')

/** The answers that every operation may give besides its own. */
export const refusals = {
  400: { description: 'The request is wrong; the message says where.', content: json(failure) },
  401: { description: 'No admin token, or not the right one.', content: json(failure) },
  404: { description: 'There is no such thing.', content: json(failure) },
}

export function json<Schema extends z.ZodType>(schema: Schema) {
  return { 'application/json': { schema } }
}
