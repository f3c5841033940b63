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
  const families = new Map<string, Map<string, number>>()
  return {
    count(name, labels, by = 1) {
      const family = families.get(name) ?? new Map<string, number>()
      families.set(name, family)
      const series = labelText(labels)
      const key = family.has(series) || family.size < MOST_SERIES ? series : '{overflow="true"}'
      family.set(key, (family.get(key) ?? 0) + by)
    },
    text() {
      const counted = [...families].flatMap(([name, family]) =>
        [...family].map(([labels, value]): Series => [`${name}${labels}`, value]),
      )
      return textOf(counted, 'counter') + textOf(together(gauges()), 'gauge')
    },
  }
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
