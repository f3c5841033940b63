/**
 * JSON as it arrives: unknown until looked at. The few looks the fake needs.
 */

export type Thing = { readonly [key: string]: unknown }

export function isThing(value: unknown): value is Thing {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function thing(value: unknown): Thing {
  return isThing(value) ? value : {}
}

export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

export function things(value: unknown): readonly Thing[] {
  return list(value).map(thing)
}

export function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** The blocks of a message or system field: a string is one text block. */
export function blocks(content: unknown): readonly Thing[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }]
  return things(content)
}

export function parse(source: string): unknown {
  try {
    return JSON.parse(source)
  } catch {
    return undefined
  }
}
