/**
 * How much to set aside for a call whose usage nobody knows yet, from its length alone: a body is not parsed for it.
 * Claude Code sends its whole conversation each turn, nearly all of it cached, so that a guess by length would refuse
 * parallel agents that stay far below their limit. What a byte of this session's calls has lately come to, or of this
 * key's where the session is new, tells better.
 */
import type { Usage } from '../protocol/messages.ts'
import type { Runtime } from '../runtime.ts'

/** What lately came of calls: the newer weigh more. */
export interface Habit extends Usage {
  /** Of the output of each call: how much they differ. */
  squares: number
  bytes: number
  calls: number
}

/** A key's habit, and those of its sessions that were lately heard of. */
export interface Habits {
  own: Habit
  sessions: Map<string, Habit>
}

/**
 * Before anything is known: four bytes a token, as in text that is about to be cached, held as lightly as one small
 * call; how long answers get is not known at all.
 */
const FIRST: Habit = {
  input: 0,
  cacheRead: 0,
  cacheWrite5m: 5_000,
  cacheWrite1h: 0,
  output: 0,
  squares: 0,
  bytes: 20_000,
  calls: 0,
}

/** Tokens of an answer, before any was seen: longer than most of Claude Code's. */
const FIRST_OUTPUT = 2_000
const FADING = 0.8
const REMEMBERED = 86_400_000
/** Sessions of one key: whoever sends other names in each call drives out nobody else's. */
const MOST_SESSIONS = 50

/** The habits of a key, of this process's own: `learnHabit` changes them. */
export function habitsOf({ cache }: Runtime, keyId: string): Habits | Promise<Habits> {
  const name = `habit:${keyId}`
  return (
    cache.known<Habits>(name) ??
    cache.remember(name, async () => ({
      value: { own: { ...FIRST }, sessions: new Map<string, Habit>() },
      ttl: REMEMBERED,
    }))
  )
}

export function habitIn({ own, sessions }: Habits, session: string | undefined): Habit {
  return (session === undefined ? undefined : sessions.get(session)) ?? own
}

/**
 * Tokens of a token limit: at least one, and at most a quarter of it: a wrong guess must not keep a call waiting for a
 * full bucket. What it costs beyond that is owed when it is known, and the calls after it wait.
 */
export function reserve(habit: Habit, length: number, cap: number): number {
  return Math.max(1, Math.min(Math.ceil((length * countedTokens(habit)) / habit.bytes), Math.floor(cap / 4)))
}

/** The usage to expect of a call that may answer with so many tokens. */
export function expectedUsage(habit: Habit, length: number, maxTokens: number): Usage {
  const share = length / habit.bytes
  return {
    input: Math.ceil(habit.input * share),
    cacheRead: Math.ceil(habit.cacheRead * share),
    cacheWrite5m: Math.ceil(habit.cacheWrite5m * share),
    cacheWrite1h: Math.ceil(habit.cacheWrite1h * share),
    output: Math.min(maxTokens, Math.ceil(expectedOutput(habit))),
  }
}

/**
 * Two standard deviations above the mean, and no less than at first: what has ended so far were the short ones of those
 * that began together. To set aside too much matters only where little is left.
 */
function expectedOutput({ output, squares, calls }: Habit): number {
  if (calls === 0) return FIRST_OUTPUT
  const mean = output / calls
  return Math.max(FIRST_OUTPUT, mean + 2 * Math.sqrt(Math.max(0, squares / calls - mean * mean)))
}

/** What a token limit counts: what is read from a cache is not among it. */
export function countedTokens({ input, cacheWrite5m, cacheWrite1h, output }: Usage): number {
  return input + cacheWrite5m + cacheWrite1h + output
}

/** A call that cost nothing came to nothing, and teaches nothing. */
export function learnHabit(habits: Habits, session: string | undefined, length: number, usage: Usage) {
  if (countedTokens(usage) === 0) return
  if (session !== undefined) {
    const habit = habitIn(habits, session)
    habits.sessions.delete(session)
    habits.sessions.set(session, faded(habit, length, usage))
    const [oldest] = habits.sessions.keys()
    if (habits.sessions.size > MOST_SESSIONS && oldest !== undefined) habits.sessions.delete(oldest)
  }
  habits.own = faded(habits.own, length, usage)
}

function faded(habit: Habit, length: number, usage: Usage): Habit {
  return {
    input: habit.input * FADING + usage.input,
    cacheRead: habit.cacheRead * FADING + usage.cacheRead,
    cacheWrite5m: habit.cacheWrite5m * FADING + usage.cacheWrite5m,
    cacheWrite1h: habit.cacheWrite1h * FADING + usage.cacheWrite1h,
    output: habit.output * FADING + usage.output,
    squares: habit.squares * FADING + usage.output ** 2,
    bytes: habit.bytes * FADING + length,
    calls: habit.calls * FADING + 1,
  }
}
