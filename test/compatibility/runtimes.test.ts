/** docs/runtimes.md speaks of the suite as it is: a row a test, in order, and nothing that failed or was left out. */
import { expect, test } from 'vitest'
import { testNames } from '../runtimes/suite.ts'
import { pageOf } from './page.ts'

test('docs/runtimes.md has a row for every test of the suite, and a result in every cell', () => {
  const [, part = ''] = pageOf('runtimes').text.split('<!-- suite -->')
  const [suite = ''] = part.split('<!-- end of suite -->')
  const [head = [], , ...rows] = suite
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) => line.split('|').map((cell) => cell.trim()))
  expect(head.slice(2, -1).map((runtime) => runtime.replace(/[\d.]+$/, '').trim())).toEqual([
    'Node',
    'Node',
    'Bun',
    'Deno',
    'workerd',
  ])
  expect(
    rows.map(([, name]) => name),
    'run: npm run docs:runtimes',
  ).toEqual(testNames())
  for (const cell of rows.flatMap((row) => row.slice(2, -1)))
    expect(cell).toMatch(/^[\d.]+ m?s(: .+)?$|^none, \d$/)
})
