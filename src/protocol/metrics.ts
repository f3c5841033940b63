/** Counters, in the text format of Prometheus. https://prometheus.io/docs/instrumenting/exposition_formats/ */

export interface Metrics {
  /** Counts one more. Label values come from bounded sets: never an id, a name that a client chose, or content. */
  count(name: string, labels: Readonly<Record<string, string>>): void
  /** All of it, as a scrape reads it. */
  text(): string | Promise<string>
}

/** Those of one process. */
export interface Counters extends Metrics {
  text(): string
}

/** A label that takes more values than this was not from a bounded set: the rest is counted together. */
const MOST_SERIES = 1_000

export function counters(): Counters {
  const families = new Map<string, Map<string, number>>()
  return {
    count(name, labels) {
      const family = families.get(name) ?? new Map<string, number>()
      families.set(name, family)
      const series = labelText(labels)
      const key = family.has(series) || family.size < MOST_SERIES ? series : '{overflow="true"}'
      family.set(key, (family.get(key) ?? 0) + 1)
    },
    text() {
      const series = [...families].flatMap(([name, family]) =>
        [...family].map(([labels, value]): [string, number] => [`${name}${labels}`, value]),
      )
      return textOf(series)
    },
  }
}

/** Every series with its value; those of a family stand together. */
function textOf(series: Iterable<[string, number]>): string {
  let text = ''
  let family = ''
  for (const [name, value] of series) {
    const own = name.replace(/\{.*/, '')
    if (own !== family) text += `# TYPE ${own} counter\n`
    family = own
    text += `${name} ${value}\n`
  }
  return text
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const escaped = (value: string) =>
    value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

/** What several processes have counted, each as its text has it. */
export function sumOf(texts: readonly string[]): string {
  const sums = new Map<string, number>()
  for (const line of texts.flatMap((text) => text.split('\n'))) {
    const [, series, value] = /^([^#].*) (\d+)$/.exec(line) ?? []
    if (series !== undefined) sums.set(series, (sums.get(series) ?? 0) + Number(value))
  }
  return textOf([...sums].toSorted(([one], [other]) => (one < other ? -1 : 1)))
}
