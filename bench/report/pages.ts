/** Where the repository says what a run has found: docs/performance.md, its picture, its file, and the README. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pageAt, withPart } from '../../test/compatibility/page.ts'
import { type Result, written } from '../result.ts'
import { pictureOf } from './picture.ts'
import { shortTable, tablesOf } from './tables.ts'

const ROOT = join(import.meta.dirname, '../..')
const DOCS = join(ROOT, 'docs')
/** What stands between the marks is written anew. */
const MARK = 'bench'

export async function writePages(result: Result) {
  const page = pageAt(join(DOCS, 'performance.md'))
  const readme = pageAt(join(ROOT, 'README.md'))
  await writeFile(page.path, withPart(page, MARK, `${tablesOf(result)}\n`))
  await writeFile(readme.path, withPart(readme, MARK, `${shortTable(result)}\n`))
  await writeFile(join(DOCS, 'performance.svg'), pictureOf(result))
  await writeFile(join(DOCS, 'performance.json'), written(result))
}
