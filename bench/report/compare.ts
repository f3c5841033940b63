/**
 * What got slower since an earlier run. Machines differ and are busy, so every figure is taken as its ratio to the raw
 * pipe of its own run, and has to be worse by more than chance makes it.
 */
import { table } from '../figures.ts'
import { type Figure, type Result, type Sample, type Spread, sampleOf } from '../result.ts'
import { digits } from './cells.ts'

/** Those of which less is better and which the pipe has too, and by how much they may be worse. */
const MARGINS: Partial<Record<Figure, number>> = {
  cpu: 1.15,
  p50: 1.25,
  first50: 1.25,
  p99: 2,
  first99: 2,
  gap99: 2,
  memory: 1.3,
}

const PIPE = 'pipe'

interface Change {
  contender: string
  scenario: string
  figure: string
  before: number
  now: number
}

/** A sentence, or a table of what got slower. */
export function comparison(now: Result, before: Result): { told: string; slower: boolean } {
  const changes = now.samples.flatMap((sample) => changesOf(sample, now, before))
  const compared = changes.length
  const slower = changes.filter(({ isWorse }) => isWorse)
  if (compared === 0)
    return { told: 'The two runs have nothing in common: both need the pipe.', slower: false }
  if (slower.length === 0)
    return { told: `Nothing got slower, of ${compared} figures compared.`, slower: false }
  const rows = slower.map(({ contender, scenario, figure, before, now }) => [
    `${contender}, ${scenario}`,
    figure,
    `${digits(before)}×`,
    `${digits(now)}×`,
  ])
  return { told: table(['slower', 'figure', 'of the pipe before', 'now'], rows), slower: true }
}

function changesOf(
  { contender, scenario, figures }: Sample,
  now: Result,
  before: Result,
): (Change & { isWorse: boolean })[] {
  if (contender === PIPE || contender === 'direct') return []
  return (Object.entries(MARGINS) as [Figure, number][]).flatMap(([figure, margin]) => {
    const [mine, pipes, mineBefore, pipesBefore] = [
      figures[figure],
      sampleOf(now.samples, PIPE, scenario)?.figures[figure],
      sampleOf(before.samples, contender, scenario)?.figures[figure],
      sampleOf(before.samples, PIPE, scenario)?.figures[figure],
    ]
    if (!mine || !pipes || !mineBefore || !pipesBefore) return []
    const ratios = { before: mineBefore.median / pipesBefore.median, now: mine.median / pipes.median }
    // The best of its rounds has to be worse, too, than the worst ratio of then allows.
    const isWorse =
      ratios.now > ratios.before * margin && best(mine, pipes) > ratios.before && ratios.before > 0
    return [{ contender, scenario, figure, ...ratios, isWorse }]
  })
}

function best(mine: Spread, pipes: Spread): number {
  return mine.least / pipes.most
}
