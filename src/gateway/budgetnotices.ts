/** Thresholds of budgets that are crossed: each is told once in a window, whichever replica sees it first. */
import type { NewNotice } from '../data/notices.ts'
import type { Rule } from '../data/tables/money.ts'
import { asGatewayError } from '../errors.ts'
import type { Runtime } from '../runtime.ts'
import type { Account } from './budgets.ts'
import { dollars, resetOf, titleOf } from './budgetwords.ts'
import { judge, percentOf } from './policies.ts'

/** Tells of what an account has reached and this process has not told of, on nobody's time. */
export function noticeThresholds(runtime: Runtime, account: Account) {
  const { budget, cap, level } = account
  const { reached } = judge(budget.rules, cap, level.spent)
  const news = budget.rules.filter(({ at }) => reached.includes(at) && !level.noticed.includes(at))
  for (const rule of news) {
    level.noticed.push(rule.at)
    const raised = runtime.data.notices.raise(noticeOf(account, rule)).catch((error: unknown) => {
      level.noticed = level.noticed.filter((at) => at !== rule.at) // the next call's turn
      runtime.log('warn', 'a threshold of a budget could not be told of', {
        budget: budget.id,
        cause: asGatewayError(error).type,
      })
    })
    runtime.waitUntil(raised)
  }
}

function noticeOf(account: Account, rule: Rule): NewNotice {
  const { budget, window, cap, level } = account
  const kind = rule.action === 'block' ? 'budget_spent' : 'budget_threshold'
  const share = percentOf(cap, level.spent)
  return {
    kind,
    severity: rule.action === 'block' ? 'critical' : 'warning',
    subject: `${kind}:${budget.account}:${rule.at}:${windowIn(account)}`,
    teamId: budget.spender.teamId ?? null,
    sentence: [
      `${titleOf(account)}: ${dollars(level.spent)} of ${dollars(cap)} are spent (${share} %).`,
      CONSEQUENCE[rule.action](rule),
      resetOf(account),
    ]
      .filter((part) => part !== '')
      .join(' '),
    detail: {
      budget: budget.id,
      scope: budget.scope,
      subject: budget.spender.keyId ?? budget.spender.userId ?? budget.spender.teamId ?? '',
      model: budget.model,
      window: window.key,
      resets_at: new Date(window.resetsAt).toISOString(),
      threshold_percent: rule.at,
      action: rule.action,
      spent_nano: level.spent,
      cap_nano: cap,
    },
  }
}

const CONSEQUENCE: Record<Rule['action'], (rule: Rule) => string> = {
  notify: () => '',
  slow: ({ requestsPerMinute }) => `From now on it lets ${requestsPerMinute} requests a minute through.`,
  step_down: ({ model }) => `From now on '${model}' answers.`,
  block: () => 'It lets nothing more through.',
}

const HOUR = 3_600_000

/** A rolling window has no end: what it reaches is news again after as long as it is. */
function windowIn({ budget: { hours }, window }: Account): string {
  return hours === 0 ? window.key : `rolling${hours}:${Math.floor(window.from / (hours * HOUR))}`
}
