/** Who runs where: whoever is measured has a core to itself, everybody else shares the others. */
import { readFile } from 'node:fs/promises'
import { run } from '../test/services/run.ts'
import { familyOf } from './processes.ts'

export interface Cores {
  /** Puts a process, and all below it, on the core for whoever is measured. */
  measure(pid: number): Promise<void>
  /** In a sentence. */
  told: string
}

/** Nobody is moved. */
export const ANYWHERE: Cores = { measure: async () => {}, told: 'Everybody shares all cores' }

/** Puts this process, and with it whatever it starts from now on, on the other cores. */
export async function placeCores(): Promise<Cores> {
  const allowed = coresIn(await readFile('/proc/self/status', 'utf8'))
  const theirs = allowed.pop()
  if (theirs === undefined || allowed.length === 0)
    return { ...ANYWHERE, told: 'One core for all: every figure says less' }
  const pinned = await pin(process.pid, allowed).catch(() => undefined)
  if (pinned === undefined) return { ...ANYWHERE, told: 'No taskset: nobody has a core to itself' }
  return {
    async measure(pid) {
      for (const each of await familyOf(pid)) await pin(each, [theirs])
    },
    told: 'Each contender on one core of its own; upstream, load generator, Postgres and Redis on the rest',
  }
}

function pin(pid: number, cores: readonly number[]): Promise<string> {
  return run('taskset', ['--all-tasks', '--cpu-list', '--pid', cores.join(','), String(pid)])
}

function coresIn(status: string): number[] {
  const [, list = ''] = /^Cpus_allowed_list:\s+(\S+)$/m.exec(status) ?? []
  return list.split(',').flatMap((range) => {
    const [from = Number.NaN, to = from] = range.split('-').map(Number)
    return Array.from({ length: to - from + 1 }, (_, at) => from + at)
  })
}
