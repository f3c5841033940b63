/**
 * The benchmark's load generator, a process of its own: told what to send where, and how, it says what it heard. Times
 * are taken where the bytes come in.
 */
import { type Wish as Body, messagesBody } from './body.ts'
import { type Crowd, crowd } from './generator/crowd.ts'
import { type Load, underLoad } from './generator/loads.ts'

export interface Target {
  port: number
  path: string
  headers: Readonly<Record<string, string>>
  /** What the body names. */
  model: string
}

/** One message a job; each is answered by one. */
export type Job =
  | { kind: 'load'; target: Target; body: Omit<Body, 'model'>; load: Load }
  | { kind: 'crowd'; target: Target; body: Omit<Body, 'model'>; to: number; within: number }
  | { kind: 'let go' }

function work() {
  let gathered: Crowd | undefined
  async function answer(job: Job) {
    switch (job.kind) {
      case 'load':
        return underLoad(job.target.port, requestTo(job.target, job.body), job.load)
      case 'crowd':
        gathered ??= crowd(job.target.port, requestTo(job.target, job.body))
        return { open: await gathered.grow(job.to, job.within) }
      case 'let go':
        gathered?.letGo()
        gathered = undefined
        return {}
    }
  }
  process.on('message', async (job: Job) => process.send?.(await answer(job)))
  process.once('disconnect', () => process.exit(0))
  process.send?.({})
}

/** Head and body, in one piece. */
function requestTo({ port, path, headers, model }: Target, wish: Omit<Body, 'model'>): Buffer {
  const body = messagesBody({ ...wish, model })
  const said = { host: `127.0.0.1:${port}`, ...headers, 'content-length': body.length }
  const lines = Object.entries(said).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.concat([Buffer.from(`POST ${path} HTTP/1.1\r\n${lines.join('')}\r\n`), body])
}

work()
