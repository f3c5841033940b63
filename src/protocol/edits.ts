/**
 * Edits of a JSON text that leave every other byte alone.
 *
 * A body is never parsed and written anew: that would turn `1.0` into `1`, lose digits of a long integer, and break
 * the signature of a thinking block. It is copied once, with some of its spans cut or replaced.
 */
import { type Bytes, concat, type Room } from './bytes.ts'
import type { Value } from './json.ts'

const encoder = new TextEncoder()

/** A stretch of text and what stands there instead. */
export interface Edit {
  start: number
  end: number
  text?: string
}

/** The cuts that take members out of an object, or elements out of an array, each with the comma that goes with it. */
export function without(
  items: readonly Value[] | undefined,
  unwanted: (item: Value, index: number) => boolean,
): Edit[] {
  const edits: Edit[] = []
  let kept: Value | undefined
  let cut: Edit | undefined
  items?.forEach((item, index) => {
    if (unwanted(item, index)) {
      cut ??= { start: kept ? kept.end : item.from, end: item.end }
      cut.end = item.end
      if (edits.at(-1) !== cut) edits.push(cut)
      return
    }
    if (cut && !kept) cut.end = item.from // nothing kept before it: the comma behind it goes instead
    kept = item
    cut = undefined
  })
  return edits
}

/**
 * The text with every edit applied, copied once; the same array when there is none. An edit inside a stretch that
 * another one removes is void.
 */
export function splice(bytes: Bytes, edits: readonly Edit[], room?: Room): Bytes {
  if (edits.length === 0) return bytes
  const ordered = edits.toSorted((a, b) => a.start - b.start || order(a) - order(b) || b.end - a.end)
  const parts: Uint8Array[] = []
  let from = 0
  for (const edit of ordered) {
    if (edit.end <= from && edit.start < from) continue
    if (edit.start < from) throw new Error('edits overlap')
    parts.push(bytes.subarray(from, edit.start))
    if (edit.text) parts.push(encoder.encode(edit.text))
    from = edit.end
  }
  parts.push(bytes.subarray(from))
  return concat(parts, room)
}

/** An insertion comes before a cut that starts at the same byte. */
function order(edit: Edit): number {
  return edit.start === edit.end ? 0 : 1
}
