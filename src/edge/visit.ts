/** One event of a Worker, a request mostly: what it is lent of its own, and how it ends when all its work is done. */
import { dataIn } from '../data/data.ts'
import type { OpenDatabase } from '../data/database.ts'
import { openHyperdrive } from '../data/hyperdrive.ts'
import type { LedgerOptions } from '../data/ledger.ts'
import { openNeon } from '../data/neon.ts'
import { rowToJson } from '../data/rows.ts'
import type { Runtime } from '../runtime.ts'
import { assetsFrom } from './assets.ts'
import type { Bindings, Context } from './bindings.ts'
import type { Isolate } from './isolate.ts'

/**
 * For how long the ledger asks a database that does not answer, in milliseconds. What a Worker still does after its
 * answer is cut off after 30 s; where there is a queue that comes again, there is no point in waiting for that.
 */
const PATIENCE = 20_000
const PATIENCE_WITH_QUEUE = 2_000

export interface Visit {
  runtime: Runtime
  database: OpenDatabase['database']
  /** Ends it once `work`, and all that was begun meanwhile, is done. */
  until(work: Promise<unknown>): void
}

/** `overflow`: whether rows may go by way of the queue, as those that come from there may not. */
export function openVisit(
  isolate: Isolate,
  bindings: Bindings,
  context: Context,
  { overflow, clientAddress }: { overflow: boolean; clientAddress?: string | undefined },
): Visit {
  const { database, loose = false, close } = openDatabase(isolate, bindings)
  const { schema: _, stores, ...lent } = isolate
  const begun: Promise<unknown>[] = []
  const runtime: Runtime = {
    ...lent,
    clientAddress,
    data: dataIn(database, isolate.log, {
      ...ledgerOptions(isolate, bindings, overflow),
      loose,
      metrics: isolate.metrics,
      // Each request has connections of its own here: what it gains is the time limit.
      ...(loose ? {} : { reports: database }),
    }),
    ...stores((work) => runtime.waitUntil(work)),
    assets: assetsFrom(bindings),
    isReady: () =>
      runtime.data.ping().then(
        () => true,
        () => false,
      ),
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

function ledgerOptions(
  { log }: Isolate,
  { LEDGER_QUEUE: queue }: Bindings,
  mayOverflow: boolean,
): LedgerOptions {
  if (!queue) return { patience: PATIENCE }
  if (!mayOverflow) return { patience: PATIENCE_WITH_QUEUE }
  return {
    patience: PATIENCE_WITH_QUEUE,
    async overflow(rows) {
      await queue.send(rows.map(rowToJson))
      log('warn', 'ledger rows wait in the queue: the database did not take them', { rows: rows.length })
    },
  }
}
