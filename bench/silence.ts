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
const WITHIN = 10_000
const WARM_UP = { kind: 'closed', inFlight: 5, seconds: 0.3 } as const
/** What the first streams bring into being, such as compiled code and pools, is not theirs: they count for nothing. */
const FIRST = 100

/** A round for each of the silences, in order; none for those it did not come to. */
export async function keepSilence(
  stage: Stage,
  running: Running,
  silences: readonly Silence[],
): Promise<Map<Silence, Round>> {
  const rounds = new Map<Silence, Round>()
  const [{ bytes } = { bytes: 0 }] = silences
  const job = { target: running.target(true), body: { bytes, stream: true }, within: WITHIN }
  await stage.answer({ ...SILENT, silent: false })
  await stage.load({ ...job, load: WARM_UP })
  await stage.answer(SILENT)
  const first = await stage.crowd({ ...job, to: FIRST })
  const before = await settledMemory(running)
  for (const silence of silences) {
    const open = await stage.crowd({ ...job, to: silence.streams })
    const isShort = open < silence.streams
    const memory = ((await settledMemory(running)) - before) / (open - first)
    rounds.set(silence, {
      figures: { memory },
      trouble: isShort ? `${open.toLocaleString('en')} streams opened within ${WITHIN / 1_000} s` : undefined,
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
