/** Budgets in words: whose they are, when they reset, and money as people read it. */
import type { Account } from './budgets.ts'

const NANO = 1_000_000_000

/** `$12.50`; what is less than a dollar to a hundredth of a cent. */
export function dollars(nano: number): string {
  return `$${(nano / NANO).toFixed(nano !== 0 && nano < NANO ? 4 : 2)}`
}

/** As whoever pays from it knows it. */
export function titleFor(account: Account): string {
  const { scope, owner } = account.budget
  if (scope === 'team') return `The ${kindOf(account)} of the team '${owner}'`
  const whose = scope === 'organisation' ? "The organisation's" : scope === 'key' ? "This key's" : 'Your'
  return `${whose} ${kindOf(account)}`
}

/** As everybody else knows it. */
export function titleOf(account: Account): string {
  const { scope, owner } = account.budget
  if (scope === 'organisation') return `The organisation's ${kindOf(account)}`
  const whose = scope === 'team' ? `the team '${owner}'` : scope === 'key' ? `the key '${owner}'` : owner
  return `The ${kindOf(account)} of ${whose}`
}

const LENGTHS = { day: 'daily', week: 'weekly', month: 'monthly', quarter: 'quarterly' } as const

function kindOf({ budget: { window, hours, model } }: Account): string {
  const length = window === 'rolling' ? `${hours}-hour` : LENGTHS[window]
  return model === '' ? `${length} budget` : `${length} budget for models named '${model}'`
}

export function resetOf({ budget, window, timeZone }: Account): string {
  const when = moment(window.resetsAt, timeZone)
  return budget.window === 'rolling'
    ? `It counts the last ${budget.hours} hours: from ${when} on, what is older comes free.`
    : `It resets on ${when}.`
}

/** `Dec 1, 2026, 00:00 (Europe/Berlin)` */
function moment(at: number, timeZone: string): string {
  const shown = new Intl.DateTimeFormat('en-US', {
    timeZone,
    year: 'numeric',
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).format(at)
  return `${shown} (${timeZone})`
}
