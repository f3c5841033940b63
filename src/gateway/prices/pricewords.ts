/** How the price of a row came to be, in sentences. */
import type { SettledRow } from '../../data/rows.ts'
import type { Usage } from '../../protocol/messages.ts'
import { figure } from '../routing/plainly.ts'
import { promptOf } from './amount.ts'
import type { Held, Prices, Ran } from './book.ts'
import { dollarsOfNano } from './dollars.ts'

const SOURCES = {
  shipped: 'as shipped with this release',
  aws: "from AWS's price list",
  admin: 'as set by an admin',
} as const

/** @param ran what the row ran, as far as that is known */
export function priceInWords(row: SettledRow, ran: Ran, prices: Prices): string[] {
  if (row.attempts === 0) return ['It cost nothing: nothing was sent.']
  if (row.status === 'refused' && row.costNano === 0) return ['It cost nothing.']
  const tokens = tokensInWords(row)
  if (row.costNano === null)
    return [tokens, `No price is known for '${ran.model}': what it cost is not known either.`]
  return [tokens, cost(row, ran, prices)]
}

function tokensInWords(row: SettledRow): string {
  const { inputTokens, cacheReadTokens, cacheWrite5mTokens, cacheWrite1hTokens, outputTokens } = row
  const parts = [
    `${figure(inputTokens)} in`,
    cacheReadTokens > 0 ? `${figure(cacheReadTokens)} read from the cache` : '',
    cacheWrite5mTokens > 0 ? `${figure(cacheWrite5mTokens)} written to it for five minutes` : '',
    cacheWrite1hTokens > 0 ? `${figure(cacheWrite1hTokens)} written to it for an hour` : '',
    `${figure(outputTokens)} out`,
  ].filter((part) => part !== '')
  return `Tokens: ${parts.join(', ')}${SAID[row.usageSource ?? 'final']}.`
}

const SAID = {
  final: '',
  partial: ', as far as the upstream had said when it broke off',
  estimated: ', by an estimate: the upstream had not said anything yet',
} as const

function cost(row: SettledRow, ran: Ran, prices: Prices): string {
  const total = `It cost ${dollarsOfNano(row.costNano ?? 0)}`
  const fee = row.feeNano ? `, ${dollarsOfNano(row.feeNano)} of that for ${row.webSearches} web searches` : ''
  const held = prices.held(ran, row.startedAt.getTime(), row.serviceTier ?? '')
  const usage = usageOf(row)
  const now = prices.charge(usage, ran, row.startedAt.getTime(), row.serviceTier ?? '')
  if (!held || now === undefined || now + (row.feeNano ?? 0) !== row.costNano) {
    return `${total}${fee}, by the prices that held then; by today's it may be another sum.`
  }
  return `${total}${fee}. ${rateInWords(held, ran, usage, prices.multiplier)}`
}

function rateInWords(held: Held, ran: Ran, usage: Usage, multiplier: number): string {
  const { price, regionPercent, tierPercent } = held
  const isLong = price.long !== null && promptOf(usage) > price.long.above
  const { input, output } = isLong && price.long ? price.long.rates : price.rates
  const dollars = (rate: number) => `$${(rate / 1_000_000).toFixed(2)}`
  const percents = [
    regionPercent === 100 ? '' : `${regionPercent} % for staying within '${ran.regionClass}'`,
    tierPercent === 100 ? '' : `${tierPercent} % for the service tier`,
    multiplier === 100 ? '' : `${multiplier} % by the organisation's own factor`,
  ].filter((part) => part !== '')
  const times = percents.length === 0 ? '' : `, times ${percents.join(', times ')}`
  const long = isLong ? ', the rates of long prompts' : ''
  return `The price of '${ran.model}' is ${dollars(input)} a million in and ${dollars(output)} out${long}${times}, ${SOURCES[price.source]}, since ${price.from}.`
}

function usageOf(row: SettledRow): Usage {
  return {
    input: row.inputTokens,
    cacheRead: row.cacheReadTokens,
    cacheWrite5m: row.cacheWrite5mTokens,
    cacheWrite1h: row.cacheWrite1hTokens,
    output: row.outputTokens,
  }
}
