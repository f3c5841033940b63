/** `npm run bench`: what the gateway costs, beside others, in one run. docs/performance.md says what is measured. */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { comparison } from './report/compare.ts'
import { writePages } from './report/pages.ts'
import { tablesOf } from './report/tables.ts'
import { type Result, readResult, written } from './result.ts'
import { measure } from './run.ts'
import { readWords, type Words } from './words.ts'

async function bench(words: Words): Promise<number> {
  const before = words.against === undefined ? undefined : await readResult(words.against)
  const result = words.from === undefined ? await measured(words) : await readResult(words.from)
  console.log(tablesOf(result))
  if (words.docs) await writePages(result)
  if (!before) return 0
  const { told, slower } = comparison(result, before)
  console.log(`\n${told}`)
  return slower ? 1 : 0
}

async function measured(words: Words): Promise<Result> {
  const result = await measure(words)
  await mkdir(dirname(words.json), { recursive: true })
  await writeFile(words.json, written(result))
  return result
}

// Whoever is still running is ended on the way out.
process.once('SIGINT', () => process.exit(130)).once('SIGTERM', () => process.exit(143))
process.exit(await bench(readWords(process.argv.slice(2))))
