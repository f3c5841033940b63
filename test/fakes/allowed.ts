/**
 * What a body may use: its model and the betas that came with it; and the one shape both messages and tools carry.
 */
import type { Model } from './models.ts'
import { object, type Shape, string } from './shape.ts'

export interface Allowed {
  model: Model
  betas: readonly string[]
}

export function cacheControl(model: Model): Shape {
  const ttl: Record<string, Shape> = model.oneHourCache ? { ttl: { is: 'string', oneOf: ['5m', '1h'] } } : {}
  return { is: 'nullOr', other: { is: 'tagged', tags: { ephemeral: object({ type: string, ...ttl }) } } }
}
