/** Whether the database has this version's schema: asked by the first request of an isolate, and settled by the answer. */
import type { Database } from '../data/database.ts'
import { standingOf } from '../data/migrations.ts'
import { GatewayError } from '../errors.ts'
import { inTime } from '../protocol/deadline.ts'
import type { Log } from '../runtime.ts'

/** How long a wrong schema, or an outage, is taken for granted before it is asked after again. */
const ASK_AGAIN = 3_000
/** A database that has not answered by then is away: a key that is known here must not wait for it. */
const PATIENCE = 2_000

interface Lent {
  log: Log
  now(): number
}

export interface SchemaCheck {
  /** @throws GatewayError where the schema is another one. An outage is not that: what still can be done is done. */
  pass(database: Database): Promise<void>
}

export function schemaCheck({ log, now }: Lent): SchemaCheck {
  let isRight = false
  let wrong: GatewayError | undefined
  let askAt = 0

  async function ask(database: Database) {
    const standing = await inTime(PATIENCE, () => standingOf(database)).catch(() => undefined)
    askAt = now() + ASK_AGAIN
    if (!standing) return
    isRight = standing.kind === 'equal'
    wrong = isRight ? undefined : mismatch(standing.sentence)
    if (wrong) log('error', standing.sentence)
  }

  return {
    async pass(database) {
      if (isRight) return
      if (now() >= askAt) await ask(database)
      if (wrong) throw wrong
    },
  }
}

function mismatch(sentence: string): GatewayError {
  return new GatewayError('api_error', sentence, { status: 503, retryAfter: 30 })
}
