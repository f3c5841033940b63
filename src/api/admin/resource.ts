/** What the resources of the admin API share: what they demand, how they refuse, and how they list. */
import { createRoute, OpenAPIHono, type RouteConfig, z } from '@hono/zod-openapi'
import type { MiddlewareHandler } from 'hono'
import { GatewayError } from '../../errors.ts'
import { isPermission, type Permission, scopeOf } from '../../gateway/permissions.ts'
import type { AdminEnv } from '../env.ts'

/**
 * An operation of the admin API: a route that says which permission it needs, in its document (`x-permission`) and by
 * refusing everybody else, before it looks at what they want. Behind it `c.var.scope` is what it may touch for them.
 */
export function operation<
  P extends string,
  R extends Omit<RouteConfig, 'path'> & { path: P; needs: Permission },
>(config: R) {
  const route = createRoute({ ...config, 'x-permission': config.needs, middleware: needing(config.needs) })
  Reflect.deleteProperty(route, 'needs') // a document may hold it by its other name only
  return route
}

function needing(permission: Permission): MiddlewareHandler<AdminEnv> {
  return async (c, next) => {
    c.set('scope', scopeOf(c.var.actor, permission))
    await next()
  }
}

/** @throws Error naming a route that is no operation: it would be open to whoever has any token at all. */
export function requirePermissions(api: OpenAPIHono<AdminEnv>) {
  const declared = new Set<string>()
  for (const definition of api.openAPIRegistry.definitions) {
    if (definition.type !== 'route') continue
    const {
      method,
      path,
      'x-permission': permission,
    } = definition.route as RouteConfig & { 'x-permission'?: unknown }
    if (isPermission(permission)) declared.add(`${method.toUpperCase()} ${path}`)
  }
  for (const { method, path } of api.routes) {
    const name = `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`
    const isMiddleware = method === 'ALL' && path.endsWith('/*')
    if (!isMiddleware && !declared.has(name)) throw new Error(`${name} declares no permission`)
  }
}

/** A resource whose routes answer bad input with the field and what it must be. */
export function resource() {
  return new OpenAPIHono<AdminEnv>({
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
  403: {
    description: 'Not with this permission, or not so far; the message says which.',
    content: json(failure),
  },
  404: { description: 'There is no such thing.', content: json(failure) },
  409: { description: 'It is taken, or somebody else was faster.', content: json(failure) },
}

export function json<Schema extends z.ZodType>(schema: Schema) {
  return { 'application/json': { schema } }
}
