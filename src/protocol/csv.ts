/**
 * Comma-separated values. https://www.rfc-editor.org/rfc/rfc4180
 * What would begin a formula in a spreadsheet is written behind an apostrophe, and read without it.
 * https://owasp.org/www-community/attacks/CSV_Injection
 */

export interface CsvRecord {
  /** Where it begins, counted from 1: a quoted field may go over several lines. */
  line: number
  fields: string[]
}

/** Behind apostrophes too, so that what is read is what was written. */
const FORMULA = /^'*[=+\-@\t\r]/
const GUARDED = /^'(?='*[=+\-@\t\r])/

/** Records as CSV, each ended by CRLF. */
export function toCsv(records: Iterable<readonly (string | number | null)[]>): string {
  let text = ''
  for (const record of records) text += `${record.map(written).join(',')}\r\n`
  return text
}

/** A figure is no formula, also below zero. */
function written(value: string | number | null): string {
  if (value === null) return ''
  if (typeof value === 'number') return String(value)
  const safe = FORMULA.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/** A field with its quotes, or a plain one, and what ends it. */
const FIELD = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|\n|\r|$)/y

/**
 * The records of a CSV text; empty lines are none. @throws CsvError naming the line, where a quote is out of place.
 */
export function* fromCsv(text: string): Generator<CsvRecord> {
  const field = new RegExp(FIELD)
  field.lastIndex = text.startsWith('\uFEFF') ? 1 : 0
  let line = 1
  let record: CsvRecord = { line, fields: [] }
  while (field.lastIndex < text.length || record.fields.length > 0) {
    const match = field.exec(text)
    if (!match) throw new CsvError(line)
    const [whole, quoted, plain = '', end] = match
    record.fields.push((quoted === undefined ? plain : quoted.replaceAll('""', '"')).replace(GUARDED, ''))
    line += whole.match(/\r\n|\n|\r/g)?.length ?? 0
    if (end === ',') continue
    if (record.fields.length > 1 || record.fields[0] !== '') yield record
    record = { line, fields: [] }
    if (end === '') return
  }
}

/** A text that is no CSV, and where it stops being any. */
export class CsvError extends Error {
  readonly line: number

  constructor(line: number) {
    super(`line ${line}: a quote is out of place`)
    this.line = line
  }
}
