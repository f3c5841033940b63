/** One event of a Worker, a request mostly: what it is lent of its own, and how it ends when all its work is done. */
import { dataIn } from '../data/data.ts'
import type { OpenDatabase } from '../data/database.ts'
import { openHyperdrive } from '../data/hyperdrive.ts'
import { noLimits } from '../data/limits.ts'
import { openNeon } from '../data/neon.ts'
import type { LedgerOptions } from '../data/requests.ts'
import { rowToJson } from '../data/rows.ts'
import type { Runtime } from '../runtime.ts'
import { assetsFrom } from './assets.ts'
import type { Bindings, Context } from './bindings.ts'
import type { Isolate } from './isolate.ts'

/**
 * For how long the ledger asks a database that does not answer, in milliseconds. What a Worker still does after its
 * answer is cut off after 30 s; with a queue to hand rows to, there is no point in waiting for that.
 */
const PATIENCE = 20_000
const PATIENCE_BEFORE_QUEUE = 2_000

export interface Visit {
  runtime: Runtime
  database: OpenDatabase['database']
  /** Ends it once `work`, and all that was begun meanwhile, is done. */
  until(work: Promise<unknown>): void
}

export interface VisitWish {
  /** Whether rows may go by way of the queue: not those that come from there. */
  queue: boolean
}

export function openVisit(isolate: Isolate, bindings: Bindings, context: Context, wish: VisitWish): Visit {
  const { database, close } = openDatabase(isolate, bindings)
  const { schema: _, ...lent } = isolate
  const begun: Promise<unknown>[] = []
  const runtime: Runtime = {
    ...lent,
    data: dataIn(database, isolate.log, ledgerOptions(wish.queue ? bindings : {})),
    limits: noLimits(),
    assets: assetsFrom(bindings),
    waitUntil(work) {
      const tracked = work.catch((error: unknown) => {
        isolate.log('error', 'background work failed', {
          error: error instanceof Error ? error.name : 'unknown',
        })
      })
      begun.push(tracked)
      context.waitUntil(tracked)
    },
  }
  return {
    runtime,
    database,
    until(work) {
      const ending = work
        .catch(() => {})
        .then(async () => {
          while (begun.length > 0) await begun.shift()
          await close()
        })
      context.waitUntil(ending.catch(() => {}))
    },
  }
}

function openDatabase({ config }: Isolate, { HYPERDRIVE }: Bindings): OpenDatabase {
  if (HYPERDRIVE) return openHyperdrive(HYPERDRIVE.connectionString)
  return openNeon(config.databaseUrl ?? '', config.databaseWire)
}

function ledgerOptions({ LEDGER_QUEUE: queue }: Bindings): LedgerOptions {
  if (!queue) return { patience: PATIENCE }
  return {
    patience: PATIENCE_BEFORE_QUEUE,
    overflow: async (rows) => void (await queue.send(rows.map(rowToJson))),
  }
}
