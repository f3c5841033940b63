/** Hears a stream as it comes: each event with the moment it was whole. */
import type { Event } from '../whole/caller.ts'
import { eventsIn } from '../whole/caller.ts'

export interface Heard extends Event {
  /** Milliseconds since the program began. */
  at: number
}

/** Every event, and comment, of an answer, to its end or for as long as `enough` is not. */
export async function listen(
  response: Response,
  enough: (heard: readonly Heard[]) => boolean = () => false,
): Promise<Heard[]> {
  const heard: Heard[] = []
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  for (;;) {
    const piece = await reader?.read()
    if (!piece || piece.done) break
    const at = performance.now()
    const blocks = (rest + piece.value).split('\n\n')
    rest = blocks.pop() ?? ''
    for (const block of blocks) for (const event of eventsIn(`${block}\n\n`)) heard.push({ ...event, at })
    if (!enough(heard)) continue
    await reader?.cancel()
    return heard
  }
  if (rest !== '') throw new Error(`The stream ended in the middle of an event: ${rest}`)
  return heard
}
