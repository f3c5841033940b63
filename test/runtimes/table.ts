/** What the runs of the suite have shown, as the table of docs/runtimes.md. */
import type { Told } from './subject.ts'

/** One test on one runtime. */
export interface Outcome {
  test: string
  told: Told
  /** Milliseconds; undefined where it failed. */
  took: number | undefined
}

/** Rows are tests, columns are runtimes; below it, why some cells say `none`. */
export function tableOf(outcomes: readonly Outcome[], tests: readonly string[]): string {
  const runtimes = [...new Set(outcomes.map(({ told }) => told.runtime))].toSorted(byRank)
  const reasons = [...new Set(outcomes.flatMap(({ told }) => Object.values(told.absent)))]
  const rows = tests.map((test) => [
    test,
    ...runtimes.map((runtime) => cell(outcomes, test, runtime, reasons)),
  ])
  const rule = ['---', ...runtimes.map(() => '---:')]
  const lines = [['', ...runtimes], rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`)
  const notes = reasons.map((reason, index) => `${index + 1}. ${reason}`)
  return [...lines, ...(notes.length > 0 ? ['', ...notes] : [])].join('\n')
}

const RANKS = ['Node', 'Bun', 'Deno', 'workerd']

function byRank(a: string, b: string): number {
  const rank = (runtime: string) => RANKS.findIndex((name) => runtime.startsWith(name))
  return rank(a) - rank(b) || a.localeCompare(b, 'en', { numeric: true })
}

function cell(outcomes: readonly Outcome[], test: string, runtime: string, reasons: readonly string[]) {
  const mine = outcomes.filter(({ told }) => told.runtime === runtime)
  const outcome = mine.find((each) => each.test === test)
  if (!outcome) {
    const reason = mine[0]?.told.absent[test]
    return reason === undefined ? 'not run' : `none, ${reasons.indexOf(reason) + 1}`
  }
  if (outcome.took === undefined) return '**failed**'
  const { note } = outcome.told
  return note === undefined ? time(outcome.took) : `${time(outcome.took)}: ${note}`
}

function time(milliseconds: number): string {
  return milliseconds < 1_000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1_000).toFixed(1)} s`
}
