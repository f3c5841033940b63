/** Thresholds of budgets that are crossed: each is told once in a window, whichever replica sees it first. */
import type { Runtime } from '../runtime.ts'
import type { Account } from './budgets.ts'
import { judge } from './policies.ts'

/** Tells of what an account has reached and was not told of yet, on nobody's time. */
export function noticeThresholds(_runtime: Runtime, account: Account) {
  const { budget, cap, level } = account
  const { reached } = judge(budget.rules, cap, level.spent)
  level.noticed = [...reached]
}
