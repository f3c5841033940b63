/** A contender that is a program: started, waited for, and ended with all its files. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from '../../test/whole/eventually.ts'

export interface Child {
  pid: number
  stop(): Promise<void>
}

/** An empty folder of its own, which goes with it. */
export function homeFor(name: string): Promise<string> {
  return mkdtemp(join(tmpdir(), `outcrop-bench-${name}-`))
}

/** Resolves when it listens. @throws with what it complained of, where it ends instead. */
export async function startChild(
  home: string,
  port: number,
  [program = '', ...args]: readonly string[],
): Promise<Child> {
  const child = spawn(program, args, {
    cwd: home,
    env: { PATH: process.env['PATH'] ?? '', HOME: home, NODE_ENV: 'production' },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let complaint = ''
  child.stderr.on('data', (piece: Buffer) => {
    if (complaint.length < 2_000) complaint += piece
  })
  const killed = () => void child.kill('SIGKILL')
  process.once('exit', killed)
  const stop = async () => {
    killed()
    if (isRunning(child)) await once(child, 'exit')
    process.off('exit', killed)
    await rm(home, { recursive: true, force: true })
  }
  const listens = async () => {
    if (!isRunning(child)) throw new Error(`It ended: ${complaint}`)
    return (await isOpen(port)) || undefined
  }
  try {
    await once(child, 'spawn')
    await eventually(listens, { within: 30_000 })
  } catch (error) {
    await stop()
    throw error
  }
  return { pid: child.pid ?? 0, stop }
}

function isRunning(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
