import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type LedgerOptions, ledgerIn, type Spool } from '../../src/data/ledger.ts'
import type { Requests } from '../../src/data/requests.ts'
import { type LedgerRow, rowIn, type WrittenRow } from '../../src/data/rows.ts'
import type { Log } from '../../src/runtime.ts'
import { rowMaker } from './rows.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const gone = () => Promise.reject(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }))

/** A table that does as it is told, and everything that was asked of it and said about it. */
function stage(options: LedgerOptions = {}) {
  const table = new Map<string, LedgerRow>()
  const groups: LedgerRow[][] = []
  const lines: string[] = []
  const doing: { now: (rows: readonly LedgerRow[]) => Promise<void> } = { now: async () => {} }
  const requests: Requests = {
    async upsert(rows) {
      const group = rows.map(rowIn)
      groups.push(group)
      await doing.now(group)
      for (const row of group) table.set(row.id, row)
    },
    find: async () => [],
    byId: async () => undefined,
    closeLost: async () => 0,
  }
  const held = new Map<string, string>()
  const quarantine = { hold: async ({ id }: LedgerRow, code: string) => void held.set(id, code) }
  const log: Log = (level, message) => void lines.push(`${level}: ${message}`)
  const ledger = ledgerIn({ requests, quarantine }, log, options)
  return { ledger, table, held, groups, lines, doing, row: rowMaker() }
}

/** A spool in memory. */
function fakeSpool() {
  const held = new Map<string, WrittenRow>()
  const aside: WrittenRow[] = []
  const spool: Spool = {
    keep: (row) => void held.set(row.id, row),
    release: (rows) => {
      for (const { id } of rows) held.delete(id)
    },
    setAside: (row) => void aside.push(row),
    nextAside: () => (aside.length === 0 ? undefined : { rows: aside.splice(0), done: () => {} }),
  }
  return { held, aside, spool }
}

const WAIT = 'warn: the database does not take ledger rows: they wait'
const AGAIN = 'info: the database takes ledger rows again'

test('what comes while a write is under way goes with the next one, each request once', async () => {
  const { ledger, groups, row } = stage()
  const first = row()
  const written = [ledger.write(first), ledger.write({ ...first, status: 'succeeded' }), ledger.write(row())]
  await vi.runAllTimersAsync()
  await Promise.all(written)
  expect(groups.map((group) => group.map(({ status }) => status))).toEqual([['succeeded', 'pending']])
})

test('a beginning that comes after its end changes nothing', async () => {
  const { ledger, table, row } = stage()
  const begun = row()
  void ledger.write({ ...begun, status: 'cancelled' })
  void ledger.write(begun)
  await vi.runAllTimersAsync()
  expect(table.get(begun.id)?.status).toBe('cancelled')
})

test('an outage is said once, and its end; every row is written then', async () => {
  const { ledger, table, lines, doing, row } = stage()
  doing.now = gone
  const written = Array.from({ length: 700 }, () => ledger.write(row({ status: 'succeeded' })))
  await vi.advanceTimersByTimeAsync(60_000)
  expect([table.size, lines]).toEqual([0, [WAIT]])
  doing.now = async () => {}
  await vi.runAllTimersAsync()
  await Promise.all(written)
  expect([table.size, lines]).toEqual([700, [WAIT, AGAIN]])
})

test('a database that says nothing is asked again', async () => {
  const { ledger, table, doing, row } = stage()
  doing.now = () => new Promise(() => {})
  const written = ledger.write(row({ status: 'succeeded' }))
  await vi.advanceTimersByTimeAsync(10_000)
  doing.now = async () => {}
  await vi.advanceTimersByTimeAsync(15_000)
  await written
  expect(table.size).toBe(1)
})

test('where nothing else holds a row, it is given up when its time is up, and that is said', async () => {
  const { ledger, lines, doing, row } = stage({ patience: 5_000 })
  doing.now = gone
  const written = expect(ledger.write(row())).rejects.toThrow('refused')
  await vi.runAllTimersAsync()
  await written
  expect(lines).toEqual([WAIT, 'error: ledger rows could not be written'])
})

test('where there is a queue, it has the row then', async () => {
  const overflow: string[] = []
  const { ledger, doing, row } = stage({
    patience: 5_000,
    overflow: async (rows) => void overflow.push(...rows.map(({ id }) => id)),
  })
  doing.now = gone
  const late = row()
  const written = ledger.write(late)
  await vi.runAllTimersAsync()
  await written
  expect(overflow).toEqual([late.id])
})

const bad = () => Promise.reject(Object.assign(new Error('a NUL'), { code: '22P05' }))

test('of 500 rows the bad one is found in a few statements, and put into quarantine', async () => {
  const { ledger, table, held, groups, doing, row } = stage()
  const rows = Array.from({ length: 500 }, () => row({ status: 'succeeded' }))
  const poison = rows[321]?.id ?? ''
  doing.now = (group) => (group.some(({ id }) => id === poison) ? bad() : Promise.resolve())
  const written = rows.map((each) => ledger.write(each))
  await vi.runAllTimersAsync()
  await Promise.all(written)
  expect([...held]).toEqual([[poison, '22P05']])
  expect(table.size).toBe(499)
  expect(groups.length).toBeLessThan(20)
})

test('an outage in the midst of that is waited for', async () => {
  const { ledger, table, held, doing, row } = stage()
  const rows = Array.from({ length: 8 }, () => row({ status: 'succeeded' }))
  let asked = 0
  doing.now = (group) => {
    asked++
    if (asked > 1 && asked < 6) return gone()
    return group.some(({ id }) => id === rows[5]?.id) ? bad() : Promise.resolve()
  }
  const written = rows.map((each) => ledger.write(each))
  await vi.runAllTimersAsync()
  await Promise.all(written)
  expect([table.size, [...held.keys()]]).toEqual([7, [rows[5]?.id]])
})

describe('with a spool', () => {
  test('a row is held at once, and let go when the database has it', async () => {
    const { held, spool } = fakeSpool()
    const { ledger, row } = stage({ spool })
    const over = row({ status: 'succeeded' })
    void ledger.write(over)
    expect([...held.keys()]).toEqual([over.id])
    await vi.runAllTimersAsync()
    expect(held.size).toBe(0)
  })

  test('a request that is over within a moment is written once, with those around it', async () => {
    const { spool } = fakeSpool()
    const { ledger, groups, row } = stage({ spool })
    const [one, two] = [row(), row()]
    void ledger.write(one)
    await vi.advanceTimersByTimeAsync(20)
    void ledger.write({ ...one, status: 'succeeded' })
    void ledger.write(two)
    await vi.runAllTimersAsync()
    expect(groups.map((group) => group.map(({ status }) => status))).toEqual([['succeeded', 'pending']])
  })

  test('a row is never given up', async () => {
    const { spool } = fakeSpool()
    const { ledger, table, doing, row } = stage({ spool, patience: 5_000 })
    doing.now = gone
    void ledger.write(row({ status: 'succeeded' }))
    await vi.advanceTimersByTimeAsync(3_600_000)
    doing.now = async () => {}
    await vi.advanceTimersByTimeAsync(10_000)
    expect(table.size).toBe(1)
  })

  test('what has no room in memory waits on the disk, and is written after the rest', async () => {
    const { spool, aside } = fakeSpool()
    const { ledger, table, lines, doing, row } = stage({ spool, mostWaiting: 10 })
    doing.now = gone
    const begun = Array.from({ length: 30 }, () => row())
    for (const each of begun) void ledger.write(each)
    await vi.advanceTimersByTimeAsync(1_000)
    const written = begun.map((each) => ledger.write({ ...each, status: 'succeeded' }))
    expect(aside.length).toBeGreaterThan(5)
    doing.now = async () => {}
    await vi.runAllTimersAsync()
    await Promise.all(written)
    expect([...table.values()].filter(({ status }) => status === 'succeeded')).toHaveLength(30)
    expect(lines.filter((line) => line.startsWith('error'))).toEqual([])
  })

  test('without one, what has no room is lost, and that is said', async () => {
    const { ledger, lines, doing, row } = stage({ mostWaiting: 1 })
    doing.now = gone
    void ledger.write(row()).catch(() => {})
    await expect(ledger.write(row())).rejects.toThrow('the ledger is full')
    expect(lines).toEqual(['error: a ledger row was lost: too many wait for the database'])
  })
})

test('tells the most rows that have waited for the database at once', async () => {
  const { ledger, row } = stage()
  const { backlog } = ledger
  const writeAll = async (rows: number) => {
    const written = Promise.all(Array.from({ length: rows }, () => ledger.write(row())))
    await vi.runAllTimersAsync()
    await written
  }
  await writeAll(7)
  await writeAll(2)
  expect(backlog.worst()).toBe(7)
  backlog.forget()
  expect(backlog.worst()).toBe(0)
  await writeAll(2)
  expect(backlog.worst()).toBe(2)
})
