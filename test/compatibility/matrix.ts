/** Results, as the tables of docs/compatibility.md. */

export type Cell = 'as sent' | 'adapted' | 'left out' | 'refused' | 'failed'

/** Cells are letters; the legend under the tables says what they mean. */
const LETTERS: Readonly<Record<Cell, string>> = {
  'as sent': '●',
  adapted: '◐',
  'left out': '○',
  refused: '✕',
  failed: '!',
}

export type Results = Map<string, Map<string, Cell>>

/** A table of rows by columns. */
export function table(title: string, columns: readonly string[], results: Results): string {
  const rows = [...results].map(
    ([name, cells]) =>
      `| ${name} | ${columns.map((column) => LETTERS[cells.get(column) ?? 'failed']).join(' | ')} |`,
  )
  const head = `| | ${columns.join(' | ')} |\n|---|${columns.map(() => ':-:').join('|')}|`
  return `### ${title}\n\n${head}\n${rows.join('\n')}\n`
}
