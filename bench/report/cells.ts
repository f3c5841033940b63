/** Figures as a reader wants them: three digits, a unit where the column has none, and how far the rounds lay apart. */
import type { Figure, Result, Spread } from '../result.ts'
import { sampleOf } from '../result.ts'

/** What a row of a table is of. */
export type CellOf = (result: Result, contender: string) => string

export const NONE = ''

/** A figure of a scenario; `scale` is what it is divided by. */
export function cell(scenario: string, figure: Figure, scale = 1): CellOf {
  return ({ samples }, contender) => {
    const spread = sampleOf(samples, contender, scenario)?.figures[figure]
    return spread ? digits(spread.median / scale) : NONE
  }
}

/** The same, and how far the rounds lay apart. */
export function ranged(scenario: string, figure: Figure, scale = 1): CellOf {
  return (result, contender) => {
    const spread = sampleOf(result.samples, contender, scenario)?.figures[figure]
    return spread ? `${cell(scenario, figure, scale)(result, contender)}${apart(spread)}` : NONE
  }
}

/** The same figure of the contender in times that of another one. */
export function times(scenario: string, figure: Figure, other: string): CellOf {
  return ({ samples }, contender) => {
    const [mine, theirs] = [contender, other].map(
      (name) => sampleOf(samples, name, scenario)?.figures[figure]?.median,
    )
    return mine === undefined || theirs === undefined ? NONE : `${digits(mine / theirs)}×`
  }
}

/** A figure, less that of asking the upstream directly. */
export function added(scenario: string, figure: Figure): CellOf {
  return ({ samples }, contender) => {
    const [mine, theirs] = [contender, 'direct'].map(
      (name) => sampleOf(samples, name, scenario)?.figures[figure]?.median,
    )
    return mine === undefined || theirs === undefined || contender === 'direct' ? NONE : signed(mine - theirs)
  }
}

/** Several cells in one. */
export function together(...cells: readonly CellOf[]): CellOf {
  return (result, contender) => {
    const all = cells.map((each) => each(result, contender))
    return all.some((each) => each !== NONE) ? all.join(' / ') : NONE
  }
}

/** Three digits, whatever their place. */
export function digits(value: number): string {
  const size = Math.abs(value)
  const decimals = size === 0 || size >= 100 ? 0 : size >= 10 ? 1 : 2
  return value.toLocaleString('en', { minimumFractionDigits: decimals, maximumFractionDigits: decimals })
}

function signed(value: number): string {
  return value < 0 ? `−${digits(-value)}` : digits(value)
}

/** Half of what lies between the rounds. */
function apart({ median, least, most }: Spread): string {
  const percent = Math.round(((most - least) / 2 / median) * 100)
  return most === least ? '' : ` ±${percent}%`
}
