/** The embedded database as the main thread has it: every statement goes to a thread and its rows come back. */
import { Worker } from 'node:worker_threads'
import { ConfigError } from '../config.ts'
import type { OpenDatabase } from '../data/database.ts'
import { remoteDatabase } from '../data/remote.ts'
import type { Folders, Question, Said } from './pglitethread.ts'

interface Open {
  resolve(rows: unknown[]): void
  reject(error: Error): void
}

/** In the build it lies beside this file as well. */
const THREAD = new URL(`./pglitethread${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)

/**
 * Opens the database in a folder, or in memory where none is named, and brings it to the newest schema.
 * @param died the thread is gone, and with it the database
 * @throws ConfigError where its schema is newer than this version
 */
export async function openEmbedded(
  folders: Folders,
  died: (error: Error) => void,
  thread = THREAD,
): Promise<OpenDatabase> {
  const worker = new Worker(thread, { workerData: folders })
  const open = new Map<number, Open>()
  let asked = 0

  function ask(question: Question): Promise<unknown[]> {
    const id = ++asked
    worker.postMessage({ id, question })
    return new Promise((resolve, reject) => {
      open.set(id, { resolve, reject })
    })
  }

  function heard(said: Said) {
    if (!('id' in said)) return
    const waiting = open.get(said.id)
    open.delete(said.id)
    if ('rows' in said) waiting?.resolve(said.rows)
    else waiting?.reject(Object.assign(new Error(said.error.message), { code: said.error.code }))
  }

  await opened(worker)
  worker.on('message', heard)
  worker.once('error', (error) => {
    for (const { reject } of open.values()) reject(error)
    died(error)
  })
  return {
    database: remoteDatabase((sql, params, rowMode) => ask({ sql, params, rowMode })),
    async close() {
      await ask({ close: true })
      await worker.terminate()
    },
  }
}

/** Resolves when the thread says that it is open. */
function opened(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.once('error', reject)
    worker.once('message', (said: Said) => {
      worker.off('error', reject)
      if (!('failed' in said)) return resolve()
      void worker.terminate()
      reject(said.isConfig ? new ConfigError(said.failed) : new Error(said.failed))
    })
  })
}
