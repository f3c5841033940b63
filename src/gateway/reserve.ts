/**
 * How many tokens to set aside for a call whose usage nobody knows yet, from its length alone: a body is not parsed for
 * it. Claude Code sends its whole conversation each turn, nearly all of it cached and thus not counted, so that a guess
 * by length would refuse parallel agents that stay far below their limit. What a byte of this key's calls has lately
 * cost, output included, tells better.
 */
import type { Runtime } from '../runtime.ts'

/** What lately came of a key's calls: the newer weigh more. */
export interface Habit {
  tokens: number
  bytes: number
}

/** Before anything is known: four bytes a token, as in text that no cache has yet, held as lightly as one small call. */
const FIRST: Habit = { tokens: 5_000, bytes: 20_000 }

const FADING = 0.8
const REMEMBERED = 86_400_000

/** The habit of a key, of this process's own: `learnHabit` changes it. */
export function habitOf({ cache }: Runtime, keyId: string): Promise<Habit> {
  return cache.remember(`habit:${keyId}`, async () => ({ value: { ...FIRST }, ttl: REMEMBERED }))
}

/**
 * At least one token, and at most a quarter of the limit: a wrong guess must not keep a call waiting for a full bucket.
 * What it costs beyond that is owed when it is known, and the calls after it wait.
 */
export function reserve({ tokens, bytes }: Habit, length: number, cap: number): number {
  return Math.max(1, Math.min(Math.ceil((length * tokens) / bytes), Math.floor(cap / 4)))
}

/** A call that cost nothing came to nothing, and teaches nothing. */
export function learnHabit(habit: Habit, length: number, tokens: number) {
  if (tokens === 0) return
  habit.tokens = habit.tokens * FADING + tokens
  habit.bytes = habit.bytes * FADING + length
}
