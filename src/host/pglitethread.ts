/** A thread with the embedded database in it: its queries run here, so that a long one holds up no stream. */
import { parentPort, workerData } from 'node:worker_threads'
import { ConfigError } from '../config.ts'
import { type Embedded, openPglite } from '../data/pglite.ts'
import { codeOf } from '../protocol/codes.ts'

/** What a thread is started with. */
export interface Folders {
  folder: string | undefined
  migrations: string
}

/** To the thread: a statement, or nothing more. */
export type Question =
  | { sql: string; params: readonly unknown[]; rowMode: 'array' | 'object' }
  | { close: true }

/** From the thread: that it is open or why it is not, then answers by the id of what was asked. */
export type Said =
  | { open: true }
  | { failed: string; isConfig: boolean }
  | { id: number; rows: unknown[] }
  | { id: number; error: Failure }

interface Failure {
  message: string
  code: string
}

async function answer({ ask, close }: Embedded, question: Question): Promise<unknown[]> {
  if (!('close' in question)) return ask(question.sql, question.params, question.rowMode)
  await close()
  return []
}

function say(said: Said) {
  parentPort?.postMessage(said)
}

function failure(error: unknown): Failure {
  return { message: error instanceof Error ? error.message : String(error), code: codeOf(error) }
}

try {
  const { folder, migrations } = workerData as Folders
  const embedded = await openPglite(folder, migrations)
  parentPort?.on('message', ({ id, question }: { id: number; question: Question }) => {
    answer(embedded, question).then(
      (rows) => say({ id, rows }),
      (error: unknown) => say({ id, error: failure(error) }),
    )
  })
  say({ open: true })
} catch (error) {
  say({ failed: failure(error).message, isConfig: error instanceof ConfigError })
}
