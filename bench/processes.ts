/** What processes use, as the kernel counts it. https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
import { readdir, readFile } from 'node:fs/promises'

export interface Usage {
  /** Microseconds of processor time, since it began. */
  cpu: number
  /** Resident bytes. */
  memory: number
}

/** Linux counts processor time in hundredths of a second. */
const TICK = 10_000

/** The process and all below it. */
export async function familyOf(pid: number): Promise<number[]> {
  const pids = (await readdir('/proc')).map(Number).filter((each) => each > 0)
  const parents = new Map(
    await Promise.all(pids.map(async (each) => [each, Number((await statOf(each))[1])] as const)),
  )
  const family = [pid]
  for (const member of family) for (const each of pids) if (parents.get(each) === member) family.push(each)
  return family
}

/** Of a process and all below it. */
export async function usageOf(pid: number): Promise<Usage> {
  const each = await Promise.all((await familyOf(pid)).map(ownUsage))
  return {
    cpu: each.reduce((sum, { cpu }) => sum + cpu, 0),
    memory: each.reduce((sum, { memory }) => sum + memory, 0),
  }
}

async function ownUsage(pid: number): Promise<Usage> {
  const stat = await statOf(pid)
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  const [, kib = '0'] = /^VmRSS:\s+(\d+) kB$/m.exec(status) ?? []
  return { cpu: (Number(stat[11] ?? 0) + Number(stat[12] ?? 0)) * TICK, memory: Number(kib) * 1_024 }
}

/** The fields behind the name, which may hold anything; none of a process that is gone. */
async function statOf(pid: number): Promise<string[]> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ')')
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}
