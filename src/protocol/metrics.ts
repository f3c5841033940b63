/** Counters, in the text format of Prometheus. https://prometheus.io/docs/instrumenting/exposition_formats/ */

export interface Metrics {
  /** Counts one more. Label values come from bounded sets: never an id, a name that a client chose, or content. */
  count(name: string, labels: Readonly<Record<string, string>>): void
  /** All of it, as a scrape reads it. */
  text(): string
}

/** A label that takes more values than this was not from a bounded set: the rest is counted together. */
const MOST_SERIES = 1_000

export function counters(): Metrics {
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
      const lines = [...families].flatMap(([name, family]) => [
        `# TYPE ${name} counter`,
        ...[...family].map(([labels, value]) => `${name}${labels} ${value}`),
      ])
      return lines.map((line) => `${line}\n`).join('')
    },
  }
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const escaped = (value: string) =>
    value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}
