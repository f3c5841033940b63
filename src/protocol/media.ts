/**
 * What a file is, by its first bytes, of the kinds that the Messages API takes.
 * https://docs.claude.com/en/docs/build-with-claude/vision https://mimesniff.spec.whatwg.org/#matching-an-image-type-pattern
 */
import { hasAt } from './bytes.ts'

export type MediaType = 'image/jpeg' | 'image/png' | 'image/gif' | 'image/webp' | 'application/pdf'

const latin = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0))

const STARTS: readonly (readonly [MediaType, Uint8Array])[] = [
  ['image/jpeg', latin('\xff\xd8\xff')],
  ['image/png', latin('\x89PNG\r\n\x1a\n')],
  ['image/gif', latin('GIF87a')],
  ['image/gif', latin('GIF89a')],
]

const RIFF = latin('RIFF')
const WEBP = latin('WEBPVP')
const PDF = latin('%PDF-')

/** Readers of PDF look for its mark this far. */
const PDF_WITHIN = 1024

export function mediaTypeOfBytes(bytes: Uint8Array): MediaType | undefined {
  const found = STARTS.find(([, start]) => hasAt(bytes, 0, start))
  if (found) return found[0]
  if (hasAt(bytes, 0, RIFF) && hasAt(bytes, 8, WEBP)) return 'image/webp'
  for (let at = 0; at < Math.min(PDF_WITHIN, bytes.length); at++) {
    if (hasAt(bytes, at, PDF)) return 'application/pdf'
  }
  return undefined
}
