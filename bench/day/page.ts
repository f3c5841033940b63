/** A day's figures as a table, and its place in docs/day.md. */
import type { Figures, Result } from './figures.ts'

const [BEGIN, END] = ['<!-- day -->', '<!-- /day -->']

export function tableOf({ rows, seed, developers, length, places, quotas }: Result): string {
  const endless = rows.find(({ id }) => id === 'endless')
  const head = [
    '',
    'steps',
    '429s seen by clients',
    'of them, some account had room',
    'of all requests',
    'given up',
    'read from cache',
    'behind one without end',
    'cache written anew by moves',
    'all tokens',
    'wait added: p50 / p95 / p99 / max',
    '429s of upstreams',
    'further attempts',
  ]
  const lines = rows.map((row) => line(row, endless))
  const setting =
    `${developers} developers, ${length} hours, ${places.length} accounts and regions of ${count(quotas.main)} ` +
    `(Opus 5.5) and ${count(quotas.small)} (Haiku 5.5) tokens a minute each, seed ${seed}.`
  return [setting, '', table([head, ...lines])].join('\n')
}

/** @throws Error where the page has no place for it. */
export function intoPage(page: string, result: Result): string {
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)]
  if (from < 0 || to < from) throw new Error(`docs/day.md has no ${BEGIN} … ${END}`)
  return `${page.slice(0, from)}${BEGIN}\n\n${tableOf(result)}\n\n${page.slice(to)}`
}

function line(row: Figures, endless: Figures | undefined): string[] {
  const { wait } = row
  return [
    row.name,
    count(row.steps),
    count(row.throttled),
    count(row.needless),
    `${(row.needlessShare * 100).toFixed(2)} %`,
    count(row.givenUp),
    `${(row.cacheRead * 100).toFixed(1)} %`,
    endless ? `${((endless.cacheRead - row.cacheRead) * 100).toFixed(1)} points` : '',
    `$${count(row.rewritten)}`,
    `$${count(row.dollars)}`,
    [wait.p50, wait.p95, wait.p99, wait.max].map(time).join(' / '),
    count(row.refusals),
    count(row.failovers),
  ]
}

function table([head = [], ...lines]: readonly string[][]): string {
  const rule = head.map((_, index) => (index === 0 ? '---' : '---:'))
  return [head, rule, ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

function time(milliseconds: number): string {
  return milliseconds < 1_000 ? `${milliseconds} ms` : `${(milliseconds / 1_000).toFixed(1)} s`
}
