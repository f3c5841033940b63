/** The audit log as a stream of lines: however long it is, a few hundred entries of it are in memory. */
import { type Audit, type AuditFilter, signedText } from '../data/audit.ts'
import { canonical } from '../protocol/canonical.ts'

const BATCH = 500

/**
 * Each line is an entry as it is hashed, with its hash. `over` resolves when the last one was sent, or nobody listens
 * any more.
 */
export function exportLines(audit: Audit, filter: AuditFilter, after: number) {
  const encoder = new TextEncoder()
  let at = after
  let done = () => {}
  const over = new Promise<void>((resolve) => {
    done = resolve
  })
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const rows = await audit.chain({ ...filter, after: at, limit: BATCH }).catch((error: unknown) => {
          done()
          throw error
        })
        at = rows.at(-1)?.number ?? at
        const lines = rows.map(({ hash, ...row }) => `${canonical({ ...signedText(row), hash })}\n`)
        if (lines.length > 0) controller.enqueue(encoder.encode(lines.join('')))
        if (rows.length === BATCH) return
        controller.close()
        done()
      },
      cancel: () => done(),
    },
    { highWaterMark: 0 },
  )
  return { body, over }
}
