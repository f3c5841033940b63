/**
 * A server that has gone without a word (a network that swallows, a machine that lost its power) leaves a question
 * unanswered for a quarter of an hour: that long the kernel tries. Here it is given up, and the connections with it.
 */
import { inTime } from '../protocol/deadline.ts'

/** Milliseconds. Nothing that is asked here takes so long on a database that is well. */
const SILENCE = 10_000

/** Has a code, as the errors of a socket do. */
class Silence extends Error {
  readonly code = 'ETIMEDOUT'
}

/** The same questions, each with a time limit; `silent` is told when one runs out. */
export function answeredInTime<Questions extends object>(
  questions: Questions,
  silent: () => void,
): Questions {
  const late = () => {
    silent()
    return new Silence(`no answer in ${SILENCE} ms`)
  }
  const bounded = Object.entries(questions).map(([name, ask]) => {
    return [name, (...about: unknown[]) => inTime(SILENCE, () => ask(...about), late)]
  })
  return Object.fromEntries(bounded) as Questions
}
