/** What is asked of every contender. Durations are of one round. */
import type { Wish } from './body.ts'
import type { Load } from './generator/loads.ts'
import type { Manner } from './upstream/answers.ts'

export interface Scenario {
  /** As `--only` names it. */
  name: string
  title: string
  body: Pick<Wish, 'bytes' | 'stream'>
  manner: Manner
  load: Load
  /** Fewer than the others have, where a round is long. */
  rounds?: number
}

/** What everybody has to get warm by: those whose paths differ most. */
export const WARMING: readonly string[] = ['json-100k', 'burst']

/** Enough of them for a first look, within a minute. */
export const QUICK: readonly string[] = ['json-100', 'json-100k', 'burst', 'first-100k', 'paced-100']

const KB = 1_000
const SHORT_BURST: Manner = { events: 25, over: 0 }
/** Long enough for what an answer leaves to be done, such as its ledger row, in milliseconds. */
const PAUSE = 2

const json = (bytes: number) => ({ body: { bytes, stream: false }, manner: SHORT_BURST })
const streamed = (bytes: number, manner: Manner) => ({ body: { bytes, stream: true }, manner })
const closed = (inFlight: number, seconds: number, pause = 0): Load => ({
  kind: 'closed',
  inFlight,
  seconds,
  pause,
})

export const SCENARIOS: readonly Scenario[] = [
  { name: 'json-1', title: 'small JSON, one at a time', ...json(KB), load: closed(1, 0.7) },
  { name: 'json-100', title: 'small JSON, 100 in flight', ...json(KB), load: closed(100, 1) },
  { name: 'json-100k', title: '100 KB JSON, 10 in flight', ...json(100 * KB), load: closed(10, 1) },
  { name: 'json-1m', title: '1 MB JSON, 4 in flight', ...json(1_000 * KB), load: closed(4, 1) },
  {
    name: 'burst',
    title: 'streams of 200 events in one burst, 10 in flight',
    ...streamed(KB, { events: 200, over: 0 }),
    load: closed(10, 1),
  },
  {
    name: 'first-1k',
    title: 'first byte of a stream after 1 KB, one at a time',
    ...streamed(KB, SHORT_BURST),
    load: closed(1, 1, PAUSE),
  },
  {
    name: 'first-100k',
    title: 'first byte of a stream after 100 KB, one at a time',
    ...streamed(100 * KB, SHORT_BURST),
    load: closed(1, 1, PAUSE),
  },
  {
    name: 'open-100k',
    title: '100 KB JSON, 300 a second whatever happens',
    ...json(100 * KB),
    load: { kind: 'open', perSecond: 300, seconds: 2 },
  },
  {
    name: 'paced-100',
    title: '100 streams of 200 events over 2 s',
    ...streamed(KB, { events: 200, over: 2_000 }),
    load: { kind: 'streams', count: 100, spread: 1_000 },
    rounds: 2,
  },
  {
    name: 'paced-5',
    title: '5 streams of 1,000 events over 2 s',
    ...streamed(KB, { events: 1_000, over: 2_000 }),
    load: { kind: 'streams', count: 5, spread: 100 },
    rounds: 2,
  },
]

/** @throws where there is none of that name. */
export function scenarioOf(name: string): Scenario {
  const scenario = SCENARIOS.find((each) => each.name === name)
  if (!scenario) throw new Error(`There is no scenario ${name}`)
  return scenario
}
