/** One request and its answer, heard to the end and noted down. */
import type { Connection } from './connection.ts'
import { counterFor, type EventCounter } from './events.ts'
import type { Tally } from './tally.ts'

/** Resolves when the answer has ended, however; `onFirst` is called when its body begins. */
export function exchange(
  connection: Connection,
  request: Buffer,
  tally: Tally,
  onFirst?: () => void,
): Promise<void> {
  return new Promise((resolve) => {
    const sent = performance.now()
    let status = 0
    let first = Number.NaN
    let counter: EventCounter | undefined
    let lastEvent: number | undefined
    connection.send(request, {
      head(code, contentType) {
        status = code
        if (!contentType.startsWith('application/json')) counter = counterFor(contentType)
      },
      body(piece) {
        const now = performance.now()
        if (Number.isNaN(first)) {
          first = now - sent
          onFirst?.()
        }
        const events = counter?.push(piece) ?? 0
        if (events === 0) return
        tally.events(events, lastEvent === undefined ? undefined : now - lastEvent)
        lastEvent = now
      },
      end(broken) {
        const whole = performance.now() - sent
        const isBroken = broken || (status === 200 && counter?.isWhole() === false)
        if (isBroken || status !== 200) tally.refused(isBroken ? 'broken' : String(status), whole)
        else tally.done(first, whole)
        resolve()
      },
    })
  })
}
