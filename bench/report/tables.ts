/** The tables of docs/performance.md, and the short one of the README. */
import { table } from '../figures.ts'
import { OVERLOAD } from '../overload.ts'
import { AT_REST, AT_THE_END, type Result } from '../result.ts'
import { SILENCES } from '../silence.ts'
import { added, type CellOf, cell, NONE, ranged, times, together } from './cells.ts'
import { targetsOf } from './targets.ts'

type Columns = readonly (readonly [string, CellOf])[]

const MS = 1_000
const KB = 1_000
const MB = 1_000_000
const PERCENT = 0.01

const COST: Columns = [
  ['small JSON: requests/s', ranged('json-100', 'rate')],
  ['CPU µs', ranged('json-100', 'cpu')],
  ['100 KB: requests/s', ranged('json-100k', 'rate')],
  ['CPU µs', ranged('json-100k', 'cpu')],
  ['of the pipe', times('json-100k', 'cpu', 'pipe')],
  ['1 MB: CPU ms', ranged('json-1m', 'cpu', MS)],
  ['of the pipe', times('json-1m', 'cpu', 'pipe')],
  ['bursts: streams/s', ranged('burst', 'rate')],
  ['CPU µs an event', ranged('burst', 'cpuPerEvent')],
  ['of the pipe', times('burst', 'cpuPerEvent', 'pipe')],
]

const pair = (
  scenario: string,
  of: typeof added | typeof cell,
  figures: readonly ['p50' | 'first50' | 'gap50', 'p99' | 'first99' | 'gap99'],
) => together(of(scenario, figures[0]), of(scenario, figures[1]))

const TIME: Columns = [
  ['small JSON: p50 / p99', pair('json-1', cell, ['p50', 'p99'])],
  ['first byte, 1 KB: added p50 / p99', pair('first-1k', added, ['first50', 'first99'])],
  ['100 KB: added p50 / p99', pair('first-100k', added, ['first50', 'first99'])],
  ['open loop: p50 / p99', pair('open-100k', cell, ['p50', 'p99'])],
  ['gap, 100 streams: p99', cell('paced-100', 'gap99')],
  ['added', added('paced-100', 'gap99')],
  ['5 streams: p99', cell('paced-5', 'gap99')],
  ['added', added('paced-5', 'gap99')],
]

const MEMORY: Columns = [
  ['at rest, MB', cell(AT_REST, 'memory', MB)],
  ['after the run, MB', cell(AT_THE_END, 'memory', MB)],
  ...SILENCES.flat().map(({ name, title }) => [title, cell(name, 'memory', KB)] as const),
]

const PAST_CAPACITY: Columns = [
  ['at half of it: p99 ms', cell(OVERLOAD, 'calmP99')],
  ['at twice: p99 ms of what is served', cell(OVERLOAD, 'p99')],
  ['served/s', cell(OVERLOAD, 'rate')],
  ['refused with 529, %', cell(OVERLOAD, 'refusedShare', PERCENT)],
  ['told within, p99 ms', cell(OVERLOAD, 'refusal99')],
]

const SHORT: Columns = [
  ['100 KB JSON, CPU µs', ranged('json-100k', 'cpu')],
  ['of the pipe', times('json-100k', 'cpu', 'pipe')],
  ['burst, CPU µs an event', ranged('burst', 'cpuPerEvent')],
  ['first byte after 100 KB, added p50 / p99 ms', pair('first-100k', added, ['first50', 'first99'])],
  ['KB an idle stream', cell('idle-1k-100k', 'memory', KB)],
]

/** Everything, as docs/performance.md has it. */
export function tablesOf(result: Result): string {
  const parts = [
    section('Processor time', result, COST),
    section('Time, in milliseconds', result, TIME),
    section('Memory; KB each of the streams', result, MEMORY),
    section('Past capacity', result, PAST_CAPACITY),
    targetsOf(result),
    troubles(result),
    provenance(result),
  ]
  return parts.filter((part) => part !== '').join('\n\n')
}

export function shortTable(result: Result): string {
  return `${rowsOf(result, SHORT)}\n\n${provenance(result)}`
}

function section(title: string, result: Result, columns: Columns): string {
  const rows = rowsOf(result, columns)
  return rows === '' ? '' : `### ${title}\n\n${rows}`
}

/** Only what was measured. */
function rowsOf(result: Result, columns: Columns): string {
  const measured = columns.filter(([, of]) => result.contenders.some(({ name }) => of(result, name) !== NONE))
  const rows = result.contenders
    .map(({ name, title }) => [title, ...measured.map(([, of]) => of(result, name))])
    .filter(([, ...cells]) => cells.some((each) => each !== NONE))
  return rows.length === 0 ? '' : table(['', ...measured.map(([head]) => head)], rows)
}

/** What was not as it should be, and who is not there. */
function troubles({ samples, absent }: Result): string {
  const lines = [
    ...absent.map(({ title, reason }) => `${title}: not measured. ${reason}`),
    ...samples.flatMap(({ contender, scenario, trouble }) =>
      trouble === undefined ? [] : `${contender}, ${scenario}: ${trouble}`,
    ),
  ]
  return lines.length === 0 ? '' : lines.map((line) => `- ${line}`).join('\n')
}

function provenance({ at, machine, cores, load, rounds, contenders }: Result): string {
  const versions = contenders
    .filter(({ version }) => version !== '')
    .map(({ name, version }) => `${name} ${version}`)
  return `${at.slice(0, 10)}; ${machine}; ${load}. ${cores}. Medians of ${rounds} rounds. ${versions.join(', ')}.`
}
