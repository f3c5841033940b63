/** What several calls upstream cost together, in the words of one answer. */
import type { Json } from '../../protocol/blocks.ts'

/** Figures added up, wherever they stand; what is not a figure is left out. */
export function sum(one: Json, other: Json): Json {
  const total: Record<string, unknown> = {}
  for (const key of new Set([...Object.keys(one), ...Object.keys(other)])) {
    const [a, b] = [one[key], other[key]]
    if (isFigure(a) || isFigure(b)) total[key] = (isFigure(a) ? a : 0) + (isFigure(b) ? b : 0)
    else if (isObject(a) || isObject(b)) total[key] = sum(object(a), object(b))
  }
  return total
}

/** What `usage` says: where a later event says null, what an earlier one said holds. */
export function known(usage: unknown): Json {
  return Object.fromEntries(Object.entries(object(usage)).filter(([, value]) => value !== null))
}

function isFigure(value: unknown): value is number {
  return typeof value === 'number'
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function object(value: unknown): Json {
  return isObject(value) ? value : {}
}
