/** `npm run bench`: what the gateway costs, beside others, in one run. docs/performance.md says what is measured. */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { tablesOf } from './report/tables.ts'
import { readResult } from './result.ts'
import { measure } from './run.ts'
import { readWords } from './words.ts'

const words = readWords(process.argv.slice(2))
const result = words.from === undefined ? await measure(words) : await readResult(words.from)
if (words.from === undefined) {
  await mkdir(dirname(words.json), { recursive: true })
  await writeFile(words.json, `${JSON.stringify(result, null, 1)}\n`)
}
console.log(tablesOf(result))
process.exit()
