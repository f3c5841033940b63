/** A body of unknown length, in one piece, as long as it keeps under a cap. */

import { type Bytes, concat } from './bytes.ts'
import type { AnswerBody } from './send.ts'

/** @throws what `tooLarge` makes, as soon as there is one byte too many. The rest is left unread, for the caller to let go. */
export async function readCapped(
  body: Pick<AnswerBody, 'getReader'>,
  maxBytes: number,
  tooLarge: () => Error,
): Promise<Bytes> {
  const reader = body.getReader()
  const parts: Uint8Array[] = []
  let length = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return concat(parts)
    length += value.length
    if (length > maxBytes) throw tooLarge()
    parts.push(value)
  }
}
