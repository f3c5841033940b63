/**
 * Ledger rows on their way to the database, on the disk: a file of lines for each stretch of time, gone when every
 * request in it is in the database. A process that is killed leaves its folder; the next one takes the rows over.
 * Written at once and not waited for: the kernel has them, so a killed process loses none; a machine without power may.
 */
import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Spool } from '../data/ledger.ts'
import { isOver, type LedgerRow, rowIn, type WrittenRow, written } from '../data/rows.ts'
import { codeOf } from '../protocol/codes.ts'
import type { Log } from '../runtime.ts'

/** A file that has grown to this is followed by another; one that holds nothing any more starts over from here. */
const FILE_BYTES = 4_000_000
const EMPTY_BYTES = 500_000

interface File {
  path: string
  descriptor: number
  bytes: number
  /** The requests in it that the database does not know the end of. */
  open: Set<string>
}

export interface DiskSpool extends Spool {
  /** True where nothing was left, and the files are gone. */
  close(): boolean
}

/** @throws where the folder cannot be made or written. */
export function openSpool(folder: string, log: Log): DiskSpool {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  let made = 0
  const create = (): File => {
    const path = join(folder, `${String(++made).padStart(9, '0')}${SUFFIX}`)
    return { path, descriptor: openSync(path, 'ax', 0o600), bytes: 0, open: new Set() }
  }
  let current = create()
  const files = new Set([current])
  let aside: File | undefined
  const full: File[] = []
  const disk = trouble(log)

  function keep({ id, text }: WrittenRow) {
    disk.attempt(() => {
      if (current.bytes >= FILE_BYTES) {
        current = create()
        files.add(current)
      }
      append(current, text)
      current.open.add(id)
    })
  }

  function forget(id: string) {
    for (const file of files) {
      if (!file.open.delete(id) || file.open.size > 0) continue
      if (file !== current) {
        files.delete(file)
        disk.attempt(() => remove(file))
      } else if (file.bytes > EMPTY_BYTES) {
        disk.attempt(() => empty(file))
      }
    }
  }

  return {
    keep,
    release(rows) {
      for (const row of rows) if (isOver(row)) forget(row.id)
    },
    setAside(row) {
      if (aside && aside.bytes >= FILE_BYTES) {
        full.push(aside)
        aside = undefined
      }
      aside ??= create()
      append(aside, row.text)
      forget(row.id)
    },
    nextAside() {
      const oldest = full.shift() ?? aside
      if (!oldest) return undefined
      if (oldest === aside) aside = undefined
      return { rows: [...rowsIn(oldest.path)].map(written), done: () => disk.attempt(() => remove(oldest)) }
    },
    close() {
      const left = [...files, ...full, ...(aside ? [aside] : [])]
      const isEmpty = left.every((file) => files.has(file) && file.open.size === 0)
      for (const { descriptor } of left) closeSync(descriptor)
      if (isEmpty) rmSync(folder, { recursive: true, force: true })
      return isEmpty
    },
  }
}

export const SUFFIX = '.rows'

/** The rows of a file, in the order they were written; a torn line is left out. */
export function* rowsIn(path: string): Generator<LedgerRow> {
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    const row = line === '' ? undefined : rowFromLine(line)
    if (row) yield row
  }
}

function rowFromLine(line: string): LedgerRow | undefined {
  try {
    return rowIn({ text: line })
  } catch {
    return undefined
  }
}

function append(file: File, text: string) {
  file.bytes += writeSync(file.descriptor, `${text}\n`)
}

function empty(file: File) {
  ftruncateSync(file.descriptor)
  file.bytes = 0
}

function remove({ path, descriptor }: File) {
  closeSync(descriptor)
  rmSync(path, { force: true })
}

/** A full disk must not fail a request: rows then wait in memory alone, and that is said once. */
function trouble(log: Log) {
  let failing = false
  return {
    attempt(work: () => void) {
      try {
        work()
        if (failing) log('info', 'the spool can be written again')
        failing = false
      } catch (error) {
        if (!failing)
          log('error', 'the spool cannot be written: rows wait in memory alone', {
            code: codeOf(error) || 'unknown',
          })
        failing = true
      }
    },
  }
}
