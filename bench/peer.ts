/** A program of the benchmark in a process of its own: it is asked one thing at a time. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

export interface Peer {
  pid: number
  /** Says something, and gives what it answers. @throws when it has ended. */
  ask(message: unknown): Promise<unknown>
  stop(): Promise<void>
}

const TYPESCRIPT = join(import.meta.dirname, 'typescript.js')

/**
 * @param program its file in bench/. What it says first, when it is ready, is in `first`.
 * @param env besides the environment of this process
 */
export async function startPeer(
  program: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<Peer & { first: unknown }> {
  // As Outcrop itself is started: what waits for its turn must not lose what it has compiled.
  const execArgv = ['--no-memory-reducer', '--heap-growing-percent=200']
  if (program.endsWith('.ts')) execArgv.push('--no-warnings', '--import', TYPESCRIPT)
  const child = fork(join(import.meta.dirname, program), [...args], {
    execArgv,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  child.stdout?.resume() // what it logs is taken from it, and not read
  const exited = once(child, 'exit').then(() => {
    throw new Error(`${program} ended`)
  })
  exited.catch(() => {}) // whoever asks next is told
  const heard = async () => {
    const [answer] = await Promise.race([once(child, 'message'), exited])
    return answer as unknown
  }
  return {
    pid: child.pid ?? 0,
    first: await heard(),
    async ask(message) {
      const answer = heard()
      child.send(message as object)
      return answer
    },
    async stop() {
      child.disconnect()
      child.kill()
      await exited.catch(() => {})
    },
  }
}
