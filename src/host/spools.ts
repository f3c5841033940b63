/** The spools below a data folder: one for this process, and those that killed processes left, whose rows it takes over. */
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Ledger } from '../data/ledger.ts'
import { isOver, type LedgerRow } from '../data/rows.ts'
import { hasCode } from '../protocol/codes.ts'
import type { Log } from '../runtime.ts'
import { type Lock, takeLock } from './lock.ts'
import { type DiskSpool, openSpool, rowsIn, SUFFIX } from './spool.ts'

export interface Spools {
  mine: DiskSpool
  /** Writes what others left to the ledger; what one of them did not finish is lost. Resolves when that is done. */
  adopt(ledger: Ledger): Promise<void>
  close(): Promise<void>
}

/** Undefined where the folder cannot be written: rows then wait in memory alone, and that is said. */
export async function openSpools(dataDir: string, log: Log): Promise<Spools | undefined> {
  const folder = join(dataDir, 'spool')
  const name = crypto.randomUUID()
  try {
    await mkdir(join(folder, name), { recursive: true, mode: 0o700 })
    const lock = await lockOf(join(folder, name), log)
    const mine = openSpool(join(folder, name), log)
    return {
      mine,
      adopt: (ledger) => adoptAll(folder, name, ledger, log),
      async close() {
        const left = !mine.close()
        if (left) log('warn', 'rows that the database did not take are kept: the next start writes them')
        await lock.release()
      },
    }
  } catch (error) {
    log(
      'warn',
      'DATA_DIR cannot be written: ledger rows that the database does not take wait in memory alone',
      {
        error: error instanceof Error ? error.message : 'unknown',
      },
    )
    return undefined
  }
}

async function lockOf(folder: string, log: Log): Promise<Lock> {
  const lock = await takeLock(folder, () => {
    log('error', 'another process took this spool over: this one was taken for dead')
  })
  if ('holder' in lock) throw new Error(`${folder} is new, and taken`)
  return lock
}

async function adoptAll(folder: string, mine: string, ledger: Ledger, log: Log) {
  for (const name of await readdir(folder)) {
    if (name === mine) continue
    await adopt(join(folder, name), ledger, log).catch((error: unknown) => {
      // Another one may have been faster: then it is no longer there.
      if (!hasCode(error, 'ENOENT')) log('error', 'a spool could not be taken over', { name })
    })
  }
}

async function adopt(folder: string, ledger: Ledger, log: Log) {
  const lock = await takeLock(folder, () => {})
  if ('holder' in lock) return
  const { writes, lost } = await handOver(folder, ledger)
  await lock.release()
  await rm(folder, { recursive: true, force: true })
  if (writes.length > 0)
    log('info', 'ledger rows of a gateway that was killed are taken over', { rows: writes.length, lost })
  await Promise.all(writes)
}

/** The ledger holds every row on this process's disk before the other's files go: a crash between finds them twice. */
async function handOver(folder: string, ledger: Ledger): Promise<{ writes: Promise<void>[]; lost: number }> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(SUFFIX)).toSorted()
  const paths = names.map((name) => join(folder, name))
  const begun = new Map<string, LedgerRow>()
  const over = new Set<string>()
  const writes: Promise<void>[] = []
  const write = (row: LedgerRow) => writes.push(ledger.write(row).catch(() => {})) // logged where it happens
  for (const path of paths) {
    for (const row of rowsIn(path)) {
      if (isOver(row)) {
        write(row)
        over.add(row.id)
        begun.delete(row.id)
      } else if (!over.has(row.id)) {
        begun.set(row.id, row)
      }
    }
  }
  for (const row of begun.values()) write({ ...row, status: 'lost' })
  return { writes, lost: begun.size }
}
