/**
 * What Outcrop does on every runtime, spoken to by URL only: one suite, played on a real process of each. Its sentences
 * are the rows of docs/runtimes.md.
 */
import { describe, test } from 'vitest'
import { answers } from './answers.ts'
import { bodies } from './bodies.ts'
import { doors } from './doors.ts'
import { ends } from './ends.ts'
import { hangups } from './hangups.ts'
import { load } from './load.ts'
import { restarts } from './restarts.ts'
import { silences } from './silences.ts'
import { type Check, type Part, type Stage, setStage } from './stage.ts'
import { streams } from './streams.ts'
import type { Subject } from './subject.ts'
import { trouble } from './trouble.ts'

/** Those at the end take the stage down. */
const PARTS: readonly Part[] = [
  answers,
  streams,
  trouble,
  hangups,
  bodies,
  doors,
  load,
  restarts,
  silences,
  ends,
]

/** Registers every test on a runtime, or says why there is none of it here. */
export function runtimeSuite(subject: Subject | { missing: string }) {
  if ('missing' in subject) return void test.skip(subject.missing, () => {})
  describe(subject.name, () => {
    const { stage, register } = setStage(subject)
    for (const part of PARTS) part(register, stage)
  })
}

/** The name of every test of the suite, in order, none of them run. */
export function testNames(): string[] {
  const names: string[] = []
  const note = (name: string) => void names.push(name)
  const register = Object.assign((name: string, _check: Check) => note(name), { ahead: note })
  for (const part of PARTS) part(register, NOBODY)
  return names
}

/** Nothing of a stage may be touched before a test runs. */
const NOBODY = new Proxy({} as Stage, {
  get(_, prop) {
    throw new Error(`The suite asked for ${String(prop)} before any test ran.`)
  },
})
