/** Results, as the tables of docs/compatibility.md. */
import { writeFileSync } from 'node:fs'
import { expect } from 'vitest'
import { pageOf, withPart } from './page.ts'

export type Cell = 'as sent' | 'adapted' | 'left out' | 'refused' | 'failed'

/** Cells are letters; the legend under the tables says what they mean. */
const LETTERS: Readonly<Record<Cell, string>> = {
  'as sent': '●',
  adapted: '◐',
  'left out': '○',
  refused: '✕',
  failed: '!',
}

function letter(cell: Cell | undefined): string {
  return cell === undefined ? ' ' : LETTERS[cell]
}

export type Results = Map<string, Map<string, Cell>>

/** A table of rows by columns. */
export function table(title: string, columns: readonly string[], results: Results): string {
  const rows = [...results].map(
    ([name, cells]) => `| ${name} | ${columns.map((column) => letter(cells.get(column))).join(' | ')} |`,
  )
  const head = `| | ${columns.join(' | ')} |\n|---|${columns.map(() => ':-:').join('|')}|`
  return `### ${title}\n\n${head}\n${rows.join('\n')}\n`
}

/** Holds the part of the page between two marks to what was found, or writes it there. */
export function expectPage(mark: string, found: string) {
  const page = pageOf('compatibility')
  const written = withPart(page, mark, found)
  if (process.env['UPDATE_DOCS']) writeFileSync(page.path, written)
  else expect(page.text, 'run: npm run docs:compatibility').toBe(written)
}

/** Whether everything that was said stands in what was sent. */
export function isSent(said: unknown, sent: unknown): boolean {
  if (Array.isArray(said)) {
    return (
      Array.isArray(sent) &&
      said.length === sent.length &&
      said.every((each, index) => isSent(each, sent[index]))
    )
  }
  if (typeof said !== 'object' || said === null) return said === sent
  const known = sent as Record<string, unknown> | undefined
  return (
    typeof known === 'object' && Object.entries(said).every(([key, value]) => isSent(value, known?.[key]))
  )
}
