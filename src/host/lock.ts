/**
 * One process at a time in a data folder. A lock file names its holder, and its time is renewed while the holder
 * lives: a container that died leaves a lock that nobody renews, whatever process number its successor gets.
 */
import { type FileHandle, open, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ConfigError } from '../config.ts'
import { hasCode } from '../protocol/codes.ts'

const RENEW_EVERY = 2_000
/** A holder elsewhere that has not renewed its lock for this long is gone. */
const GONE_AFTER = 3 * RENEW_EVERY
/** One on this host, where the process table may not be asked: it may only be busy, opening its database. */
const GONE_HERE_AFTER = 15 * RENEW_EVERY

interface Holder {
  host: string
  pid: number
  nonce: string
}

export interface Lock {
  release(): Promise<void>
}

/**
 * Takes the lock of a folder, or says who has it.
 * @param lost another process took it: this one was thought dead
 */
export async function takeLock(folder: string, lost: () => void): Promise<Lock | { holder: Holder }> {
  const path = join(folder, 'lock')
  const me: Holder = { host: hostname(), pid: process.pid, nonce: crypto.randomUUID() }
  while (!(await create(path, me))) {
    const holder = await read(path)
    if (holder === undefined) continue // released in between
    if (await lives(path, holder)) return { holder }
    const winner = await replace(path, me)
    if (winner.nonce !== me.nonce) return { holder: winner }
    break
  }
  const renewal = setInterval(() => void renew(path, me, lost), RENEW_EVERY)
  renewal.unref()
  return {
    async release() {
      clearInterval(renewal)
      if ((await read(path))?.nonce === me.nonce) await rm(path, { force: true })
    },
  }
}

/**
 * Takes the lock of the folder that the embedded database is in.
 * @throws ConfigError naming the process that holds it, or why nobody can.
 */
export async function lockFolder(folder: string, lost: () => void): Promise<Lock> {
  const lock = await takeLock(folder, lost).catch((error: unknown) => {
    if (error instanceof ConfigError) throw error
    throw unwritable(folder, error)
  })
  if ('holder' in lock) throw held(folder, lock.holder)
  return lock
}

async function create(path: string, me: Holder): Promise<boolean> {
  let file: FileHandle | undefined
  try {
    file = await open(path, 'wx', 0o600)
    await file.writeFile(JSON.stringify(me))
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw error
  } finally {
    await file?.close()
  }
}

/** Undefined where there is no lock; a holder that cannot be made out is a stranger. */
async function read(path: string): Promise<Holder | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw new ConfigError(`The lock ${path} cannot be read: ${error.message}`)
  })
  if (text === undefined) return undefined
  try {
    return JSON.parse(text) as Holder
  } catch {
    return { host: 'unknown', pid: 0, nonce: '' }
  }
}

async function lives(path: string, holder: Holder): Promise<boolean> {
  // On this host the process table knows. Our own number says nothing: a container's first process always has it.
  const isOther = holder.host === hostname() && holder.pid !== process.pid
  const known = isOther ? isRunning(holder.pid) : undefined
  if (known !== undefined) return known
  const patience = isOther ? GONE_HERE_AFTER : GONE_AFTER
  const before = await renewedAt(path)
  if (Date.now() - before > patience) return false
  await sleep(patience)
  return (await renewedAt(path)) !== before
}

/** Undefined where that may not be asked: in Deno it takes the permission to run programs. */
function isRunning(pid: number): boolean | undefined {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    if (hasCode(error, 'ESRCH')) return false
    return hasCode(error, 'EPERM') ? true : undefined
  }
}

async function renewedAt(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.mtimeMs ?? 0
}

/** Of several that find a dead lock together, the last to replace it has it. */
async function replace(path: string, me: Holder): Promise<Holder> {
  const mine = `${path}.${me.nonce}`
  await writeFile(mine, JSON.stringify(me), { mode: 0o600 })
  await rename(mine, path)
  await sleep(200)
  return (await read(path)) ?? me
}

async function renew(path: string, me: Holder, lost: () => void) {
  // A lock that cannot be read just now (no file handle is left, say) has not been taken by anybody.
  const holder = await read(path).catch(() => me)
  if (holder?.nonce !== me.nonce) return lost()
  const now = new Date()
  await utimes(path, now, now).catch(() => {})
}

function held(folder: string, { host, pid }: Holder): ConfigError {
  return new ConfigError(
    `DATA_DIR ${folder} is in use by process ${pid} on ${host}: the embedded database takes one process at a time.\n` +
      'Stop that one, choose another DATA_DIR, or set DATABASE_URL to run several on one Postgres.',
  )
}

function unwritable(folder: string, error: unknown): ConfigError {
  const reason = error instanceof Error ? error.message : String(error)
  return new ConfigError(
    `DATA_DIR ${folder} cannot be written: ${reason}.\n` +
      'Let the user of the gateway write there, choose another DATA_DIR, or set DATABASE_URL: a Postgres needs none.',
  )
}
