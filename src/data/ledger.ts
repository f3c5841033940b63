/**
 * The ledger's way to the database. Rows go in groups: what arrives while a write is under way goes with the next one.
 * What the database does not take waits: on the disk where there is one, in memory, and at last in a queue. What it can
 * never take goes into quarantine, alone.
 */

import { codeOf } from '../protocol/codes.ts'
import { inTime } from '../protocol/deadline.ts'
import type { Metrics } from '../protocol/metrics.ts'
import type { Log } from '../runtime.ts'
import { type Backlog, newBacklog } from './backlog.ts'
import { isDataError } from './database.ts'
import type { Quarantine } from './quarantine.ts'
import type { Requests } from './requests.ts'
import { isOver, type LedgerRow, rowIn, type WrittenRow, written } from './rows.ts'
import { newQueue, unawaited, type Waiting } from './waiting.ts'

export interface Ledger extends Omit<Requests, 'upsert'> {
  /**
   * A later state of the same request replaces an earlier one. Where there is a spool the row is on the disk when this
   * returns; the promise resolves when it is in the database, or safely kept elsewhere.
   */
  write(row: LedgerRow): Promise<void>
  /** Rows of this process that waited for the database. */
  backlog: Pick<Backlog, 'worst' | 'forget'>
}

/** A place that outlives the process. */
export interface Spool {
  /** Holds a row that is on its way to the database. */
  keep(row: WrittenRow): void
  /** These are in the database, or never will be. */
  release(rows: readonly WrittenRow[]): void
  /** Holds a row that has no room in memory. @throws where it cannot. */
  setAside(row: WrittenRow): void
  /** The oldest rows that were set aside, and how to be rid of them. */
  nextAside(): Aside | undefined
}

interface Aside {
  rows: WrittenRow[]
  done(): void
}

export interface LedgerOptions {
  spool?: Spool
  /** How long the database is tried for, in milliseconds, where there is no spool. */
  patience?: number
  /** Takes the rows that the database did not take in that time. */
  overflow?: (rows: readonly LedgerRow[]) => Promise<void>
  /** Rows that wait in memory at the most; each is about 1 KB. */
  mostWaiting?: number
  metrics?: Metrics
}

/** Where a row may come to lie. */
interface Shelves {
  requests: Requests
  quarantine: Pick<Quarantine, 'hold'>
}

/** Rows of one statement. */
const MAX_GROUP = 500
/**
 * Rows that are on the disk are in no hurry: so many milliseconds of them go in one statement. Most of what a write
 * costs is the statement's, and a request that is over by then is one row, not two.
 */
const GATHER = 50
/** Pauses between attempts at a write, doubling. */
const FIRST_PAUSE = 250
const LONGEST_PAUSE = 5_000
/** Longer than a failover takes. */
const PATIENCE = 600_000
/** A database that has been silent for so long has gone away without a word. */
const SILENCE = 20_000
const MOST_WAITING = 20_000

export function ledgerIn({ requests, quarantine }: Shelves, log: Log, options: LedgerOptions = {}): Ledger {
  const { spool, mostWaiting = MOST_WAITING } = options
  const waiting = newQueue()
  const deliver = delivery({ requests, quarantine }, log, options)
  const backlog = newBacklog()
  let writing = false

  const gathered = () => new Promise((resolve) => setTimeout(resolve, spool ? GATHER : 0))

  async function drain() {
    // At the least yield first: the request that wrote this row gets on its way before the database is asked.
    await gathered()
    for (;;) {
      const group = waiting.next(MAX_GROUP)
      const aside = group.length === 0 ? spool?.nextAside() : undefined
      if (group.length === 0 && !aside) break
      await (aside ? deliverAside(aside) : deliver(group))
      if (spool) await gathered()
    }
    writing = false
  }

  async function deliverAside({ rows, done }: Aside) {
    for (let at = 0; at < rows.length; at += MAX_GROUP)
      await deliver(rows.slice(at, at + MAX_GROUP).map(unawaited))
    done()
  }

  function wait(row: WrittenRow): Promise<void> {
    const added = waiting.add(row)
    backlog.saw(waiting.size())
    if (!writing) {
      writing = true
      void drain()
    }
    return added
  }

  return {
    find: requests.find,
    byId: requests.byId,
    closeLost: requests.closeLost,
    backlog,
    async write(whole) {
      // What waits is one piece of text: rows that outlived a collection or two of garbage cost as much as writing them.
      const row = written(whole)
      if (waiting.size() < mostWaiting || waiting.has(row.id)) {
        spool?.keep(row)
        return wait(row)
      }
      if (!spool) {
        log('error', 'a ledger row was lost: too many wait for the database', { id: row.id })
        throw new Error('the ledger is full')
      }
      if (isOver(row)) spool.setAside(row)
      else spool.keep(row) // its end will follow
    },
  }
}

/** Tries until a group is written, or its time is up. What it returns never rejects. */
function delivery({ requests, quarantine }: Shelves, log: Log, options: LedgerOptions) {
  const { spool, overflow, patience = PATIENCE, metrics } = options
  let away = false

  function say(isAway: boolean) {
    if (away === isAway) return
    away = isAway
    if (away) log('warn', 'the database does not take ledger rows: they wait')
    else log('info', 'the database takes ledger rows again')
  }

  function over(group: readonly Waiting[], error?: unknown) {
    spool?.release(group.map(({ row }) => row))
    for (const { resolve, reject } of group) {
      if (error === undefined) resolve()
      else reject(error)
    }
  }

  function lost(group: readonly Waiting[], error: unknown) {
    log('error', 'ledger rows could not be written', { rows: group.length, first: group[0]?.row.id })
    over(group, error)
  }

  async function giveUp(group: readonly Waiting[], error: unknown) {
    if (!overflow) return lost(group, error)
    await overflow(group.map(({ row }) => rowIn(row))).then(
      () => over(group),
      (failure) => lost(group, failure),
    )
  }

  /** Until the database has done it. What it will never do, and what took too long, comes back as a failure. */
  async function insist(work: () => Promise<void>): Promise<Failure | undefined> {
    const until = Date.now() + patience
    for (let pause = FIRST_PAUSE; ; pause = Math.min(LONGEST_PAUSE, pause * 2)) {
      const failure = await attempt(work, Math.min(SILENCE, patience))
      if (!failure) say(false)
      if (!failure || isDataError(failure.error)) return failure
      say(true)
      if (!spool && Date.now() + pause > until) return failure
      await new Promise((resolve) => setTimeout(resolve, pause))
    }
  }

  async function hold(one: Waiting, cause: unknown) {
    const code = codeOf(cause)
    const failure = await insist(() => quarantine.hold(rowIn(one.row), code))
    if (failure) return isDataError(failure.error) ? lost([one], cause) : giveUp([one], failure.error)
    log('error', 'the database cannot hold a ledger row: it is in quarantine', { id: one.row.id, code })
    metrics?.count('outcrop_ledger_quarantined_total', { code })
    over([one])
  }

  /** One row that the database cannot hold must not keep the others out: whoever has it in their half halves again. */
  async function apart(group: readonly Waiting[], error: unknown) {
    const [one, ...others] = group
    if (one && others.length === 0) return hold(one, error)
    const middle = Math.ceil(group.length / 2)
    await deliver(group.slice(0, middle))
    await deliver(group.slice(middle))
  }

  async function deliver(group: readonly Waiting[]): Promise<void> {
    const failure = await insist(() => requests.upsert(group.map(({ row }) => row)))
    if (!failure) over(group)
    else if (isDataError(failure.error)) await apart(group, failure.error)
    else await giveUp(group, failure.error)
  }

  return deliver
}

interface Failure {
  error: unknown
}

/** Why it failed. One that comes through later does no harm: a row may be written twice. */
function attempt(work: () => Promise<void>, timeout: number): Promise<Failure | undefined> {
  return inTime(timeout, work)
    .then(() => undefined)
    .catch((error: unknown) => ({ error }))
}
