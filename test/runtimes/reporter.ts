/**
 * Prints the table of runtime by test when the suites have run, and writes it into docs/runtimes.md where UPDATE_DOCS
 * says so and nothing failed. Part of the reporters in vitest.config.ts.
 */
import { writeFileSync } from 'node:fs'
import type { Reporter, TestCase, TestModule } from 'vitest/node'
import { busy, machine } from '../../bench/figures.ts'
import { pageOf, withPart } from '../compatibility/page.ts'
import { type Outcome, tableOf } from './table.ts'

export const runtimesReporter: Reporter = {
  onTestRunEnd(modules: readonly TestModule[]) {
    const tests = modules
      .filter(({ project }) => project.name === 'runtimes')
      .flatMap((module) => [...module.children.allTests()])
    const outcomes = tests.flatMap(outcomeOf)
    const suite = outcomes[0]?.told.suite
    if (!suite) return
    const table = tableOf(outcomes, suite)
    process.stdout.write(`\n${table}\n`)
    if (!process.env['UPDATE_DOCS']) return
    if (!tests.every((test) => test.result().state === 'passed')) {
      process.stdout.write('\nNot everything passed: docs/runtimes.md is left as it is.\n')
      return
    }
    const page = pageOf('runtimes')
    writeFileSync(page.path, withPart(page, 'suite', `${table}\n\n${circumstances()}\n`))
  },
}

function outcomeOf(test: TestCase): Outcome[] {
  const { told } = test.meta()
  const { state } = test.result()
  if (!told || state === 'skipped') return []
  return [
    {
      test: test.name,
      told,
      took: state === 'passed' ? (told.took ?? test.diagnostic()?.duration) : undefined,
    },
  ]
}

function circumstances(): string {
  return `One run, the suites two at a time, on ${machine()}; ${busy()}.`
}
