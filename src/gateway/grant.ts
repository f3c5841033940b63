/** Leave for a call: where it goes, what was set aside for it, and how that is settled. */
import type { LedgerRow } from '../data/rows.ts'
import type { Prices } from './prices/book.ts'
import type { Choice } from './routing/choice.ts'

/** What was taken for a call. */
export interface Grant {
  /** Where it goes: elsewhere than it asked, where a budget wants it so. */
  choice: Choice
  /** The model that answers instead of the one asked for. */
  model: string | undefined
  /** What it is charged by. */
  prices: Prices
  /** The day its row belongs to. */
  day: string
  /** The budget that had a say in it. */
  decision: Decision | undefined
  /** Nano-dollars set aside of every budget: as much as the one with the least room had. */
  aside: number | undefined
  /** How its limits and budgets stand, for the client. */
  headers: Readonly<Record<string, string>>
  /**
   * Corrects what was set aside to what was spent; of a call that was refused that is nothing. Where the spending is a
   * guess, of a call that was given up before anybody counted, the tokens that were set aside stay: that guess knows
   * about caches. Never rejects.
   */
  settle(spent: Spent): Promise<void> | void
}

export type Decision = Required<Pick<LedgerRow, 'budgetId' | 'budgetAction'>>

/** As the ledger has it. */
export type Spent = Partial<
  Pick<
    LedgerRow,
    | 'usageSource'
    | 'inputTokens'
    | 'cacheReadTokens'
    | 'cacheWrite5mTokens'
    | 'cacheWrite1hTokens'
    | 'outputTokens'
    | 'costNano'
  >
>
