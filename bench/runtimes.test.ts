/**
 * What each runtime needs: until it is ready, and of memory, idle and with a thousand open streams. `npm run
 * bench:runtimes` prints it and writes it into docs/runtimes.md.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { pageOf, withPart } from '../test/compatibility/page.ts'
import { type FakeBedrock, startFakeBedrock } from '../test/fakes/bedrock.ts'
import { workerOnWorkerd } from '../test/runtimes/edge.ts'
import { hostOn } from '../test/runtimes/hosts.ts'
import type { Subject } from '../test/runtimes/subject.ts'
import { findPostgres, type Postgres } from '../test/services/postgres.ts'
import { HOSTS } from '../test/services/runtimes.ts'
import { eventually } from '../test/whole/eventually.ts'
import { type Gateway, SECRET_KEY } from '../test/whole/gateway.ts'
import { stream } from '../test/whole/streams.ts'
import { busy, machine, median, table } from './figures.ts'

const STARTS = 3
const STREAMS = 1_000

let fake: FakeBedrock
let postgres: Postgres
beforeAll(async () => {
  const found = await findPostgres()
  if ('missing' in found) throw new Error(found.missing)
  postgres = await found.start()
  fake = await startFakeBedrock()
})
afterAll(async () => {
  await fake.close()
  await postgres.close()
})

interface Sample {
  /** Milliseconds between its first instruction and the first `GET /ready` that was answered with 200. */
  start: number
  /** Bytes. */
  idle: number
  streaming?: number
}

type Store = 'embedded' | 'Postgres'

const rows: string[][] = []
let databases = 0
const database = () => postgres.url(`bench_${++databases}`)

for (const host of HOSTS) {
  for (const store of ['embedded', 'Postgres'] as const) {
    test(`${host}, ${store}`, async () => {
      const subject = present(await hostOn(host))
      await measured(subject, store, async (gateway) => ({
        ...(await atRest(gateway)),
        streaming: await underStreams(gateway),
      }))
    })
  }
}

test('workerd', async () => {
  await measured(present(await workerOnWorkerd()), 'Postgres', atRest)
})

afterAll(async () => {
  const head = ['', 'database', 'ready after', 'idle', `${STREAMS.toLocaleString('en')} streams`]
  const found = table(head, rows)
  process.stdout.write(`\n${found}\n`)
  const page = pageOf('runtimes')
  await writeFile(page.path, withPart(page, 'memory', `${found}\n\n${machine()}; ${busy()}.\n`))
})

function present(subject: Subject | { missing: string }): Subject {
  if ('missing' in subject) throw new Error(subject.missing)
  return subject
}

async function measured(subject: Subject, store: Store, measure: (gateway: Gateway) => Promise<Sample>) {
  const samples: Sample[] = []
  for (let turn = 0; turn < STARTS; turn++) {
    const env = store === 'embedded' ? {} : { DATABASE_URL: await database(), SECRET_KEY }
    const gateway = await subject.start({ bedrock: fake, env: { ...env, LOG_LEVEL: 'warn' } }, database)
    samples.push(await measure(gateway).finally(() => gateway.clear()))
  }
  const middle = (part: keyof Sample, say: (value: number) => string) => {
    const values = samples.flatMap((sample) => sample[part] ?? [])
    return values.length === 0 ? '' : say(median(values))
  }
  const start = middle('start', (value) => `${(value / 1_000).toFixed(2)} s`)
  rows.push([subject.name, store, start, middle('idle', mib), middle('streaming', mib)])
}

const mib = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`

async function atRest({ pid }: Gateway): Promise<Sample> {
  const start = await ageOf(pid)
  return { start, idle: await settledMemory(pid) }
}

/** With that many streams open, each of which has said something; then they are left, and every row is settled. */
async function underStreams({ pid, port, makeKey, settled }: Gateway): Promise<number> {
  fake.reset()
  fake.script(...Array.from({ length: STREAMS }, () => ({ kind: 'stall', at: 3 }) as const))
  const { id, key } = await makeKey()
  const callers = Array.from({ length: STREAMS }, () => stream(port, key, '!say one'))
  await Promise.all(callers.map(({ answered }) => answered))
  const memory = await settledMemory(pid)
  for (const caller of callers) caller.reset()
  const ended = await settled(STREAMS, { key: id })
  expect(new Set(ended.map(({ status }) => status))).toEqual(new Set(['cancelled']))
  return memory
}

/** Linux counts a process's beginning in hundredths of a second since the machine's. */
const TICKS = 100

/** Milliseconds that a process has lived. https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
async function ageOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const uptime = Number.parseFloat(await readFile('/proc/uptime', 'utf8'))
  return (uptime - Number(fields[19]) / TICKS) * 1_000
}

/** Resident memory, once it has stopped to change by more than a hundredth a second; or as it is after a while. */
async function settledMemory(pid: number): Promise<number> {
  let last = 0
  const calm = async () => {
    const now = await memoryOf(pid)
    const change = Math.abs(now - last)
    last = now
    return change < now / 100 ? now : undefined
  }
  return eventually(calm, { within: 10_000, every: 1_000 }).catch(() => last)
}

async function memoryOf(pid: number): Promise<number> {
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kib) * 1_024
}
