import { table } from '../figures.ts'
import type { Result } from '../result.ts'
export function tablesOf(result: Result): string {
  const rows = result.samples.map((s) => [
    s.contender,
    s.scenario,
    ...['rate', 'cpu', 'cpuPerEvent', 'p50', 'p99', 'first50', 'first99', 'gap99', 'memory'].map((f) =>
      String(s.figures[f as 'rate']?.median.toPrecision(4) ?? ''),
    ),
    s.trouble ?? '',
  ])
  return table(
    [
      'c',
      's',
      'rate',
      'cpu',
      'cpuPerEvent',
      'p50',
      'p99',
      'first50',
      'first99',
      'gap99',
      'memory',
      'trouble',
    ],
    rows,
  )
}
