/** Counters and gauges, in the text format of Prometheus. https://prometheus.io/docs/instrumenting/exposition_formats/ */

export type Labels = Readonly<Record<string, string>>

/** How something stands at this moment. */
export interface Gauge {
  name: string
  labels: Labels
  /** Whole, and not below zero. */
  value: number
}

export interface Metrics {
  /**
   * Counts one more, or so many whole ones. Label values come from bounded sets: never an id, a name that a client chose,
   * or content.
   */
  count(name: string, labels: Labels, by?: number): void
  /** All of it, as a scrape reads it. */
  text(): string | Promise<string>
}

/** Those of one process. */
export interface Counters extends Metrics {
  text(): string
}

/** A label that takes more values than this was not from a bounded set: the rest is counted together. */
const MOST_SERIES = 1_000

/** @param gauges are read when they are asked for */
export function counters(gauges: () => Iterable<Gauge> = () => []): Counters {
  const families = new Map<string, Family>()
  return {
    count(name, labels, by = 1) {
      const family = families.get(name) ?? newFamily()
      if (family.series.length === 0) families.set(name, family)
      counterIn(family, labels).value += by
    },
    text() {
      const counted: Series[] = []
      for (const [name, { series }] of families)
        for (const { text, value } of series) counted.push([`${name}${text}`, value])
      return textOf(counted, 'counter') + textOf(together(gauges()), 'gauge')
    },
  }
}

interface Counter {
  text: string
  value: number
}

/** A counter is found by its labels, one after the other: to put them into words cost a microsecond of every count. */
interface Branch {
  counter: Counter | undefined
  further: Map<string, Map<string, Branch>>
}

interface Family {
  root: Branch
  series: Counter[]
  /** Of those that are counted together. */
  rest: Counter | undefined
}

function newFamily(): Family {
  return { root: newBranch(), series: [], rest: undefined }
}

function newBranch(): Branch {
  return { counter: undefined, further: new Map() }
}

function counterIn(family: Family, labels: Labels): Counter {
  let branch: Branch | undefined = family.root
  for (const name in labels) branch = branch?.further.get(name)?.get(labels[name] ?? '')
  return branch?.counter ?? added(family, labels)
}

function added(family: Family, labels: Labels): Counter {
  if (family.series.length >= MOST_SERIES) {
    family.rest ??= another(family, '{overflow="true"}')
    return family.rest
  }
  let branch = family.root
  for (const name in labels) branch = branchTo(branch, name, labels[name] ?? '')
  branch.counter = another(family, labelText(labels))
  return branch.counter
}

function branchTo({ further }: Branch, name: string, value: string): Branch {
  const values = further.get(name) ?? new Map<string, Branch>()
  const branch = values.get(value) ?? newBranch()
  further.set(name, values.set(value, branch))
  return branch
}

function another({ series }: Family, text: string): Counter {
  const counter = { text, value: 0 }
  series.push(counter)
  return counter
}

type Series = readonly [name: string, value: number]
type Kind = 'counter' | 'gauge'

/** As many of each family as there may be, those of a family together. */
function together(gauges: Iterable<Gauge>): Series[] {
  const families = new Map<string, Series[]>()
  for (const { name, labels, value } of gauges) {
    const family = families.get(name) ?? []
    families.set(name, family)
    if (family.length < MOST_SERIES) family.push([`${name}${labelText(labels)}`, value])
  }
  return [...families.values()].flat()
}

/** Every series with its value; those of a family stand together. */
function textOf(series: Iterable<Series>, kind: Kind): string {
  let text = ''
  let family = ''
  for (const [name, value] of series) {
    const own = name.replace(/\{.*/, '')
    if (own !== family) text += `# TYPE ${own} ${kind}\n`
    family = own
    text += `${name} ${value}\n`
  }
  return text
}

const SPECIAL = /["\\\n]/

function labelText(labels: Labels): string {
  let text = ''
  for (const [name, value] of Object.entries(labels))
    text += `${text === '' ? '' : ','}${name}="${SPECIAL.test(value) ? escaped(value) : value}"`
  return text === '' ? '' : `{${text}}`
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}

/** What several processes have counted, each as its text has it; of a gauge the highest that one of them says. */
export function sumOf(texts: readonly string[]): string {
  const sums: Record<Kind, Map<string, number>> = { counter: new Map(), gauge: new Map() }
  for (const text of texts) {
    let kind: Kind = 'counter'
    for (const line of text.split('\n')) {
      if (line.startsWith('# TYPE ')) kind = line.endsWith(' gauge') ? 'gauge' : 'counter'
      const [, series, value] = /^([^#].*) (\d+)$/.exec(line) ?? []
      if (series === undefined) continue
      const known = sums[kind].get(series) ?? 0
      sums[kind].set(series, kind === 'gauge' ? Math.max(known, Number(value)) : known + Number(value))
    }
  }
  const sorted = (kind: Kind) =>
    textOf(
      [...sums[kind]].toSorted(([one], [other]) => (one < other ? -1 : 1)),
      kind,
    )
  return sorted('counter') + sorted('gauge')
}
