/** Samples in, a table out. */
import { cpus, loadavg } from 'node:os'

/** The value below which that share of the samples lies. */
export function quantile(samples: readonly number[], share: number): number {
  const ordered = Float64Array.from(samples).sort()
  return ordered[Math.min(ordered.length - 1, Math.floor(ordered.length * share))] ?? Number.NaN
}

export function median(samples: readonly number[]): number {
  return quantile(samples, 0.5)
}

/** Columns of figures stand to the right; the first one holds words. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const rule = head.map((_, at) => (at === 0 ? '---' : '---:'))
  return [head, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

export function machine(): string {
  const [first] = cpus()
  return `Node ${process.version}, ${process.platform} ${process.arch}, ${cpus().length} × ${first?.model.trim() ?? 'unknown'}`
}

/** Above the number of its cores, a machine has others to serve, and every figure is too high. */
export function busy(): string {
  return `${loadavg()[0]?.toFixed(1)} processes wanted to run in the minute before`
}
