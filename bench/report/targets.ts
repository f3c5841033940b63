/** What the gateway is meant to cost, by ratios of one run, beside what it did. */
import { table } from '../figures.ts'
import { OVERLOAD } from '../overload.ts'
import { type Figure, figureOf, type Result } from '../result.ts'
import { digits } from './cells.ts'

interface Target {
  title: string
  /** How the wanted value is said; what lies on its right side holds. */
  wanted: string
  holds(value: number): boolean
  value(figure: Read): number
}

/** NaN where it was not measured. */
type Read = (contender: string, scenario: string, figure: Figure) => number

const below = (bound: number, unit = '') => ({
  wanted: `below ${bound}${unit}`,
  holds: (value: number) => value < bound,
})
const atMost = (bound: number, unit: string) => ({
  wanted: `at most ${bound}${unit}`,
  holds: (value: number) => value <= bound,
})
const atLeast = (bound: number, unit: string) => ({
  wanted: `at least ${bound}${unit}`,
  holds: (value: number) => value >= bound,
})

const ratio = (mine: string, theirs: string, scenario: string, figure: Figure) => (read: Read) =>
  read(mine, scenario, figure) / read(theirs, scenario, figure)
const over = (scenario: string, figure: Figure) => (read: Read) =>
  read('node', scenario, figure) - read('direct', scenario, figure)
const plain =
  (contender: string, scenario: string, figure: Figure, scale = 1) =>
  (read: Read) =>
    read(contender, scenario, figure) / scale

const KB = 1_000

const TARGETS: readonly Target[] = [
  {
    title: 'CPU of a 100 KB request, of the pipe',
    ...atMost(2.2, '×'),
    value: ratio('node', 'pipe', 'json-100k', 'cpu'),
  },
  {
    title: 'the same, less than Portkey',
    ...atLeast(12, '×'),
    value: ratio('portkey', 'node', 'json-100k', 'cpu'),
  },
  {
    title: 'CPU of an event in a burst, of the pipe',
    ...below(1, '×'),
    value: ratio('node', 'pipe', 'burst', 'cpuPerEvent'),
  },
  {
    title: 'the same, less than Portkey',
    ...atLeast(12, '×'),
    value: ratio('portkey', 'node', 'burst', 'cpuPerEvent'),
  },
  { title: 'first byte after 100 KB, added p50', ...below(0.5, ' ms'), value: over('first-100k', 'first50') },
  { title: 'added p99', ...below(1.5, ' ms'), value: over('first-100k', 'first99') },
  {
    title: 'small JSON, 100 in flight, requests/s of the pipe',
    ...atLeast(0.8, '×'),
    value: ratio('node', 'pipe', 'json-100', 'rate'),
  },
  {
    title: 'the same on Bun',
    ...atLeast(1.5, '×'),
    value: ratio('bun', 'pipe', 'json-100', 'rate'),
  },
  {
    title: '100 KB at 300 requests/s, p50',
    ...below(1, ' ms'),
    value: plain('node', 'open-100k', 'p50'),
  },
  { title: 'p99', ...below(5, ' ms'), value: plain('node', 'open-100k', 'p99') },
  { title: 'gap between events, p99 added', ...below(1, ' ms'), value: over('paced-100', 'gap99') },
  {
    title: 'an idle stream of 5,000 after a small body',
    ...below(20, ' KB'),
    value: plain('node-pg', 'idle-5k-1k', 'memory', KB),
  },
  {
    title: 'after 100 KB',
    ...below(45, ' KB'),
    value: plain('node-pg', 'idle-5k-100k', 'memory', KB),
  },
  {
    title: 'workerd, CPU of a 100 KB request, of an identity proxy',
    ...atMost(1.3, '×'),
    value: ratio('workerd', 'identity', 'json-100k', 'cpu'),
  },
  {
    title: 'workerd, CPU of an event in a burst, of an identity proxy',
    ...atMost(1.3, '×'),
    value: ratio('workerd', 'identity', 'burst', 'cpuPerEvent'),
  },
  {
    title: 'past capacity, p99 of what is served, of that before',
    ...atMost(2, '×'),
    value: (read) => read('node', OVERLOAD, 'p99') / read('node', OVERLOAD, 'calmP99'),
  },
  {
    title: 'the rest is refused within',
    ...atMost(50, ' ms'),
    value: plain('node', OVERLOAD, 'refusal99'),
  },
]

/** Outcrop is on Node with the embedded store where nothing else is said; memory is measured over Postgres and Redis. */
export function targetsOf(result: Result): string {
  const read: Read = (contender, scenario, figure) =>
    figureOf(result, contender, scenario, figure) ?? Number.NaN
  const rows = TARGETS.flatMap(({ title, wanted, holds, value }) => {
    const found = value(read)
    return Number.isNaN(found) ? [] : [[title, wanted, digits(found), holds(found) ? 'yes' : 'no']]
  })
  return rows.length === 0 ? '' : `### Targets\n\n${table(['Outcrop', 'wanted', 'found', ''], rows)}`
}
