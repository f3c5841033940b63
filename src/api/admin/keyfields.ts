/** A key, as the admin API takes and shows it. */
import { z } from '@hono/zod-openapi'
import type { Key } from '../../data/keys.ts'
import { parseRange } from '../../protocol/ranges.ts'
import {
  deniedModels,
  instant,
  limitsView,
  limitsWish,
  models,
  name,
  shownLimits,
  storedLimits,
} from './fields.ts'
import { text } from './resource.ts'

const addresses = z
  .array(
    text(50).refine(
      (range) => parseRange(range) !== undefined,
      'Input should be an address, or a range such as 10.0.0.0/8',
    ),
  )
  .min(1)
  .max(100)
  .nullable()
  .describe('Ranges of addresses that it may be used from; null is everywhere.')

export const keyView = z
  .object({
    id: z.string(),
    name: z.string(),
    hint: z.string().describe('The first characters of the secret.'),
    previous: z
      .object({ hint: z.string(), until: z.iso.datetime() })
      .nullable()
      .describe('The secret before this one, while it still works.'),
    user_id: z.string().nullable().describe('Whose it is.'),
    team_id: z.string().nullable().describe('The team that it spends for.'),
    models,
    denied_models: deniedModels,
    limits: limitsView,
    addresses,
    disabled: z.boolean(),
    expires_at: z.iso.datetime().nullable(),
    last_used_at: z.iso.datetime().nullable().describe('To the minute.'),
    created_by: z.string().nullable().describe('As the audit log names them.'),
    created_at: z.iso.datetime(),
  })
  .openapi('Key')

export const newKeyView = keyView
  .extend({ key: z.string().describe('The secret. Shown this once.') })
  .openapi('NewKey')

const bounds = {
  models: models.optional(),
  denied_models: deniedModels.optional(),
  limits: limitsWish.optional(),
  addresses: addresses.optional(),
  expires_at: instant.nullable().optional(),
}

export const keyWish = z.object({
  name,
  user_id: text(128).nullable().optional(),
  team_id: text(128).nullable().optional(),
  ...bounds,
})

export const keyChange = z.strictObject({
  name: name.optional(),
  ...bounds,
  disabled: z.boolean().optional(),
})

/** Bounds of a key as they are stored; what is undefined was not said. */
export function storedBounds(wish: Pick<z.infer<typeof keyWish>, keyof typeof bounds>) {
  return {
    models: wish.models,
    deniedModels: wish.denied_models,
    addresses: wish.addresses,
    expiresAt: wish.expires_at,
    ...storedLimits(wish.limits),
  }
}

export function viewOf(key: Key, now: number): z.infer<typeof keyView> {
  const { previousHint: hint, previousUntil: until } = key
  return {
    id: key.id,
    name: key.name,
    hint: key.hint,
    previous: hint !== null && until && until.getTime() > now ? { hint, until: until.toISOString() } : null,
    user_id: key.userId,
    team_id: key.teamId,
    models: key.models,
    denied_models: key.deniedModels,
    limits: shownLimits(key),
    addresses: key.addresses,
    disabled: key.disabledAt !== null,
    expires_at: key.expiresAt?.toISOString() ?? null,
    last_used_at: key.lastUsedAt?.toISOString() ?? null,
    created_by: key.createdBy,
    created_at: key.createdAt.toISOString(),
  }
}
