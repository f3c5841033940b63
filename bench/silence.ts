/** What an open stream costs in memory while nothing is said on it. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Running } from './contenders/contender.ts'
import { usageOf } from './processes.ts'
import type { Round } from './rounds.ts'
import type { Stage } from './stage.ts'

export interface Silence {
  name: string
  title: string
  bytes: number
  streams: number
}

/** Each body on a process of its own; the larger number of streams comes on top of the smaller one. */
export const SILENCES: readonly (readonly Silence[])[] = [1_000, 100_000].map((bytes) =>
  [1_000, 5_000].map((streams) => ({
    name: `idle-${streams / 1_000}k-${bytes / 1_000}k`,
    title: `${streams.toLocaleString('en')} idle streams, ${bytes / 1_000} KB bodies`,
    bytes,
    streams,
  })),
)

const SILENT = { events: 25, over: 0, silent: true }
/** The longest that streams may take to open. */
const WITHIN = 15_000
const WARM_UP = { kind: 'closed', inFlight: 10, seconds: 0.5 } as const

/** A round for each of the silences, in order; none for those it did not come to. */
export async function keepSilence(
  stage: Stage,
  running: Running,
  silences: readonly Silence[],
): Promise<Map<Silence, Round>> {
  const rounds = new Map<Silence, Round>()
  const [{ bytes } = { bytes: 0 }] = silences
  const job = { target: running.target(true), body: { bytes, stream: true } }
  await stage.answer({ ...SILENT, silent: false })
  await stage.load({ ...job, load: WARM_UP })
  const before = await settledMemory(running)
  await stage.answer(SILENT)
  for (const silence of silences) {
    const open = await stage.crowd({ ...job, to: silence.streams, within: WITHIN })
    const isShort = open < silence.streams
    const memory = open === 0 ? Number.NaN : ((await settledMemory(running)) - before) / open
    rounds.set(silence, {
      figures: { memory },
      trouble: isShort ? `${open} streams opened within ${WITHIN / 1_000} s` : undefined,
    })
    if (isShort) break
  }
  await stage.letGo()
  return rounds
}

const LOOKS = 8
const APART = 500

/** Once it no longer changes by more than a hundredth, or as it is after a while. */
async function settledMemory({ pid = 0 }: Running): Promise<number> {
  let last = (await usageOf(pid)).memory
  for (let look = 1; look < LOOKS; look++) {
    await sleep(APART)
    const { memory } = await usageOf(pid)
    if (Math.abs(memory - last) < memory / 100) return memory
    last = memory
  }
  return last
}
