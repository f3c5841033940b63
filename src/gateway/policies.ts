/** What happens at which share of a budget: pure arithmetic over its cap, its rules and what is spent. */
import type { Rule } from '../data/tables/money.ts'

/** Rules by name, for budgets that say no more. */
export const PRESETS = {
  standard: [
    { at: 80, action: 'notify' },
    { at: 100, action: 'block' },
  ],
  soft: [
    { at: 80, action: 'notify' },
    { at: 100, action: 'notify' },
    { at: 150, action: 'block' },
  ],
  shaped: [
    { at: 80, action: 'notify' },
    { at: 100, action: 'slow', requestsPerMinute: 5 },
    { at: 150, action: 'block' },
  ],
} as const satisfies Record<string, readonly Rule[]>

export const MOST_RULES = 5
/** Percent. */
export const HIGHEST = 1_000

/** The most that a cap may be, in nano-dollars: nine million dollars, which is as far as integers are exact. */
export const HIGHEST_CAP = 9_000_000_000_000_000

/** What a budget comes to at a level of spending. */
export interface Verdict {
  /** The spending at which it is closed; null where no rule closes it. */
  closesAt: number | null
  /** The weightiest of the rules that are reached. */
  action: Rule['action'] | undefined
  /** The percentages reached. */
  reached: readonly number[]
  /** Requests a minute, where a rule says so. */
  slow: number | undefined
  /** The model that answers instead. */
  stepDown: string | undefined
}

const WEIGHT: readonly Rule['action'][] = ['notify', 'slow', 'step_down', 'block']

/** A rule holds from its share of the cap on. A cap of zero allows nothing: all of its rules hold, and it is closed. */
export function judge(rules: readonly Rule[], cap: number, spent: number): Verdict {
  const block = rules.find(({ action }) => action === 'block')
  const reached = rules.filter(({ at }) => spent >= shareOf(cap, at))
  const closesAt = cap === 0 ? 0 : block ? shareOf(cap, block.at) : null
  return {
    closesAt,
    action: closesAt !== null && spent >= closesAt ? 'block' : weightiest(reached),
    reached: reached.map(({ at }) => at),
    slow: reached.findLast(({ action }) => action === 'slow')?.requestsPerMinute,
    stepDown: reached.findLast(({ action }) => action === 'step_down')?.model,
  }
}

/** Nano-dollars at a percentage of a cap, rounded up; all of it exact. */
export function shareOf(cap: number, percent: number): number {
  const [hundredths, rest] = [Math.floor(cap / 100), cap % 100]
  return Math.min(HIGHEST_CAP, hundredths * percent + Math.ceil((rest * percent) / 100))
}

/** Hundredths of a cap that are spent, rounded down; of no cap at all everything is. */
export function percentOf(cap: number, spent: number): number {
  return cap === 0 ? 100 : Math.floor((spent * 100) / cap)
}

/** What is wrong with rules, for whoever set them. */
export function faultIn(rules: readonly Rule[]): string | undefined {
  if (rules.length > MOST_RULES) return `there may be at most ${MOST_RULES} rules`
  for (const [index, { at, action, requestsPerMinute, model }] of rules.entries()) {
    const before = rules[index - 1]
    if (before && before.at >= at)
      return 'rules must be in ascending order of `at`, each at another percentage'
    if (before?.action === 'block') return 'nothing can come after `block`'
    if ((action === 'slow') !== (requestsPerMinute !== undefined))
      return '`slow`, and no other action, says how many requests a minute'
    if ((action === 'step_down') !== (model !== undefined))
      return '`step_down`, and no other action, says which model answers instead'
  }
  return undefined
}

/** Which preset rules are, where they are one. */
export function presetOf(rules: readonly Rule[]): keyof typeof PRESETS | undefined {
  const names = Object.keys(PRESETS) as (keyof typeof PRESETS)[]
  return names.find((name) => sameRules(PRESETS[name], rules))
}

function sameRules(some: readonly Rule[], others: readonly Rule[]): boolean {
  return (
    some.length === others.length &&
    some.every(({ at, action, requestsPerMinute, model }, index) => {
      const other = others[index]
      return (
        other?.at === at &&
        other.action === action &&
        other.requestsPerMinute === requestsPerMinute &&
        other.model === model
      )
    })
  )
}

function weightiest(rules: readonly Rule[]): Rule['action'] | undefined {
  return WEIGHT.findLast((action) => rules.some((rule) => rule.action === action))
}
