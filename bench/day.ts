/** `npm run bench:day`: a simulated day of developers on several accounts, by several ways to choose. docs/day.md says how. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { CONTENDERS, PLACES, QUOTAS } from './day/contenders.ts'
import { liveDay } from './day/day.ts'
import { figuresOf, type Result } from './day/figures.ts'
import { intoPage, tableOf } from './day/page.ts'

const PAGE = 'docs/day.md'
const LATEST = 'dist/day.json'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    developers: { type: 'string', default: '200' },
    hours: { type: 'string', default: '8' },
    only: { type: 'string', default: '' },
    docs: { type: 'boolean', default: false },
  },
})

const wish = {
  seed: Number(values.seed),
  developers: Number(values.developers),
  length: Number(values.hours),
  places: PLACES,
  quotas: QUOTAS,
}
const only = values.only.split(',').filter((name) => name !== '')
const result: Result = { ...wish, rows: [] }
for (const contender of CONTENDERS) {
  if (only.length > 0 && !only.includes(contender.id)) continue
  const day = await liveDay(contender, wish)
  result.rows.push(figuresOf(contender, day))
  console.error(`${contender.name}: ${Math.round(day.took)} s`)
}
console.log(tableOf(result))
await mkdir('dist', { recursive: true })
await writeFile(LATEST, `${JSON.stringify(result, null, 2)}\n`)
if (values.docs) {
  await writeFile(PAGE, intoPage(await readFile(PAGE, 'utf8'), result))
  await writeFile('docs/day.json', `${JSON.stringify(result, null, 2)}\n`)
}
