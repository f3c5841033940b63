import { mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { lockFolder } from '../../src/host/lock.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'outcrop-lock-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const lost = () => {
  throw new Error('the lock was lost')
}
const leave = async (holder: object | string, age = 0) => {
  const path = join(folder, 'lock')
  await writeFile(path, typeof holder === 'string' ? holder : JSON.stringify(holder))
  const then = new Date(Date.now() - age)
  await utimes(path, then, then)
}
const DEAD = 2 ** 22 + 1 // beyond any process number

test('a folder is locked, released, and locked again', async () => {
  const lock = await lockFolder(folder, lost)
  await lock.release()
  await (await lockFolder(folder, lost)).release()
})

test('a folder where nothing can be written is named, with what to do about it', async () => {
  await expect(lockFolder(join(folder, 'gone'), lost)).rejects.toThrow(
    /^DATA_DIR .*gone cannot be written: .*\n.*DATABASE_URL/,
  )
})

test('a lock of a running process is respected, and its holder named', async () => {
  await leave({ host: (await import('node:os')).hostname(), pid: process.ppid, nonce: 'x' })
  await expect(lockFolder(folder, lost)).rejects.toThrow(`in use by process ${process.ppid}`)
})

test('a lock of a process that died here is taken at once', async () => {
  await leave({ host: (await import('node:os')).hostname(), pid: DEAD, nonce: 'x' })
  const started = Date.now()
  await (await lockFolder(folder, lost)).release()
  expect(Date.now() - started).toBeLessThan(2_000)
})

test('a lock of another host, or of a predecessor with our number, is taken when nobody renews it any more', async () => {
  for (const holder of [
    { host: 'elsewhere', pid: 1, nonce: 'x' },
    { host: (await import('node:os')).hostname(), pid: process.pid, nonce: 'x' },
    'half writ',
  ]) {
    await leave(holder, 60_000)
    await (await lockFolder(folder, lost)).release()
  }
})

test('a lock of another host that is renewed is respected', async () => {
  await leave({ host: 'elsewhere', pid: 1, nonce: 'x' })
  const renewal = setInterval(() => void utimes(join(folder, 'lock'), new Date(), new Date()), 500)
  await expect(lockFolder(folder, lost))
    .rejects.toThrow('in use by process 1 on elsewhere')
    .finally(() => clearInterval(renewal))
})

test('of several that find a dead lock together, one has it', async () => {
  await leave({ host: 'elsewhere', pid: 1, nonce: 'x' }, 60_000)
  const tries = await Promise.allSettled(Array.from({ length: 5 }, () => lockFolder(folder, lost)))
  const won = tries.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
  expect(won).toHaveLength(1)
  await won[0]?.release()
  await expect(readFile(join(folder, 'lock'))).rejects.toThrow('ENOENT')
})
