import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { newBacklog } from '../../src/data/backlog.ts'
import { type LedgerRow, rowIn, written } from '../../src/data/rows.ts'
import type { Trail } from '../../src/data/tables/trail.ts'
import { openSpool } from '../../src/host/spool.ts'
import { openSpools } from '../../src/host/spools.ts'
import { rowMaker } from '../data/rows.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'outcrop-spool-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const lines: string[] = []
const log = (level: string, message: string) => void lines.push(`${level}: ${message}`)
beforeEach(() => void lines.splice(0))

const over = (row: LedgerRow): LedgerRow => ({ ...row, status: 'succeeded', outputTokens: 7 })
/** Some 4 KB, so that a thousand of them fill a file. */
const wide = (row: LedgerRow): LedgerRow => ({ ...row, model: 'm'.repeat(4_000) })
const filesIn = (path: string) => readdir(path)

describe('one spool', () => {
  test('is gone when it is closed with nothing left in it', async () => {
    const spool = openSpool(join(folder, 'a'), log)
    const row = rowMaker()()
    spool.keep(written(row))
    spool.keep(written(over(row)))
    spool.release([written(over(row))])
    expect(spool.close()).toBe(true)
    expect(await filesIn(folder)).toEqual([])
  })

  test('stays when a request in it is not over, though the database has its beginning', async () => {
    const spool = openSpool(join(folder, 'a'), log)
    const row = rowMaker()()
    spool.keep(written(row))
    spool.release([written(row)])
    expect(spool.close()).toBe(false)
    expect(await filesIn(join(folder, 'a'))).toHaveLength(1)
  })

  test('gives the disk back while it goes on: files of what is written are removed, a quiet one starts over', async () => {
    const spool = openSpool(join(folder, 'a'), log)
    const make = rowMaker()
    const rows = Array.from({ length: 3_000 }, () => wide(over(make())))
    for (const row of rows) spool.keep(written(row))
    expect((await filesIn(join(folder, 'a'))).length).toBeGreaterThan(2)
    spool.release(rows.map(written))
    const [left = '', ...others] = await filesIn(join(folder, 'a'))
    expect(others).toEqual([])
    expect((await readFile(join(folder, 'a', left))).length).toBeLessThan(4_100_000)
    spool.keep(written(rows[0] ?? make()))
    spool.release(rows.map(written))
    expect(spool.close()).toBe(true)
  })

  test('what is set aside comes back in order, a file at a time, and is then gone', async () => {
    const spool = openSpool(join(folder, 'a'), log)
    const make = rowMaker()
    const rows = Array.from({ length: 2_500 }, () => wide(over(make())))
    for (const row of rows) spool.setAside(written(row))
    const back: LedgerRow[] = []
    for (let aside = spool.nextAside(); aside; aside = spool.nextAside()) {
      expect(aside.rows.length).toBeLessThan(1_500)
      back.push(...aside.rows.map(rowIn))
      aside.done()
    }
    expect(back).toEqual(rows)
    expect(spool.close()).toBe(true)
  })

  test('a disk that takes nothing fails nobody, and that is said once', async () => {
    const spool = openSpool(join(folder, 'a'), log)
    const make = rowMaker()
    spool.keep(written(make()))
    spool.close() // its files are closed under it
    spool.keep(written(make()))
    spool.keep(written(make()))
    expect(lines).toEqual(['error: the spool cannot be written: rows wait in memory alone'])
  })
})

describe('the spools of a data folder', () => {
  /** What is handed to the ledger. */
  function ledgerFor(rows: LedgerRow[]) {
    return {
      write: async (row: LedgerRow) => void rows.push(row),
      find: async () => [],
      byId: async () => undefined,
      closeLost: async () => 0,
      backlog: newBacklog(),
    }
  }

  /** A spool as a killed process leaves it: with no lock that anybody renews. */
  async function leave(name: string, ...files: (LedgerRow | string)[][]) {
    await mkdir(join(folder, 'spool', name), { recursive: true })
    for (const [index, file] of files.entries()) {
      const text = file.map((line) => (typeof line === 'string' ? line : `${JSON.stringify(line)}\n`))
      await writeFile(join(folder, 'spool', name, `00000000${index + 1}.rows`), text.join(''))
    }
  }

  test('are taken over: what was over as it was, what was not as lost where it was last, a torn line not at all', async () => {
    const make = rowMaker()
    const trail: Trail = {
      strategy: 'sticky',
      bound: 'a\0\ud800\n',
      candidates: [{ upstream: 'one' }],
      steps: [],
    }
    const [finished, begun, late] = [make(), make({ inputTokens: 5 }), make()]
    const underWay = { ...begun, upstream: 'two', attempts: 2, trail }
    await leave(
      'dead',
      [finished, begun, over(late), underWay],
      [late, over(finished), '{"id":"req_torn","sta'],
    )
    const rows: LedgerRow[] = []
    const spools = await openSpools(folder, log)
    await spools?.adopt(ledgerFor(rows))
    expect(rows).toEqual([over(late), over(finished), { ...underWay, status: 'lost' }])
    expect(await readdir(join(folder, 'spool'))).toHaveLength(1)
    expect(lines).toEqual(['info: ledger rows of a gateway that was killed are taken over'])
    await spools?.close()
    expect(await readdir(join(folder, 'spool'))).toEqual([])
  })

  test('of one that lives are left alone', async () => {
    const first = await openSpools(folder, log)
    first?.mine.keep(written(rowMaker()()))
    const rows: LedgerRow[] = []
    const second = await openSpools(folder, log)
    const names = await readdir(join(folder, 'spool'))
    for (const name of names) {
      // The process of these tests holds both: say that one of them is another, which runs.
      const path = join(folder, 'spool', name, 'lock')
      const holder = JSON.parse(await readFile(path, 'utf8'))
      await writeFile(path, JSON.stringify({ ...holder, pid: process.ppid }))
    }
    await second?.adopt(ledgerFor(rows))
    expect(rows).toEqual([])
  })

  test('without a folder that can be written there is none, and that is said', async () => {
    await writeFile(join(folder, 'file'), '')
    expect(await openSpools(join(folder, 'file'), log)).toBeUndefined()
    expect(lines[0]).toMatch(/^warn: DATA_DIR cannot be written/)
  })
})
