/** What got slower is said by ratios to the pipe of the same run, and only past what chance does. */
import { expect, test } from 'vitest'
import { comparison } from '../../bench/report/compare.ts'
import type { Result, Sample } from '../../bench/result.ts'

test('a machine that is twice as slow made nothing slower', () => {
  expect(comparison(run({ pipe: 200, node: 400 }), run({ pipe: 100, node: 200 }))).toEqual({
    told: 'Nothing got slower, of 1 figures compared.',
    slower: false,
  })
})

test('what costs more beside the same pipe got slower', () => {
  const { told, slower } = comparison(run({ pipe: 100, node: 300 }), run({ pipe: 100, node: 200 }))
  expect(slower).toBe(true)
  expect(told).toContain('| node, burst | cpu | 2.00× | 3.00× |')
})

test('what lies within the margin did not, nor what the rounds do not agree on', () => {
  const before = run({ pipe: 100, node: 200 })
  expect(comparison(run({ pipe: 100, node: 225 }), before).slower).toBe(false)
  expect(comparison(run({ pipe: 100, node: 300, least: 150 }), before).slower).toBe(false)
})

test('runs without the pipe are not compared', () => {
  expect(comparison(run({ node: 1 }), run({ node: 1 })).told).toContain('nothing in common')
})

function run({ pipe, node, least = node }: { pipe?: number; node: number; least?: number }): Result {
  const samples: Sample[] = [sample('node', node, least)]
  if (pipe !== undefined) samples.push(sample('pipe', pipe, pipe))
  const words = { at: '', machine: '', cores: '', load: '', rounds: 3, contenders: [], absent: [] }
  return { ...words, samples }
}

function sample(contender: string, median: number, least: number): Sample {
  return { contender, scenario: 'burst', figures: { cpu: { median, least, most: median } } }
}
