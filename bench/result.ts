/** What a run has found: samples by contender and scenario, as they are kept in a file to compare with later. */
import { readFile } from 'node:fs/promises'

/** Of the rounds. */
export interface Spread {
  median: number
  least: number
  most: number
}

/**
 * Requests a second; microseconds of processor time a request, and an event; milliseconds to the last byte, to the
 * first, between events, to a refusal; bytes. `share` is a part of one.
 */
export type Figure =
  | 'rate'
  | 'cpu'
  | 'cpuPerEvent'
  | 'p50'
  | 'p99'
  | 'first50'
  | 'first99'
  | 'gap50'
  | 'gap99'
  | 'refusal99'
  | 'refusedShare'
  | 'calmP99'
  | 'memory'

/** The scenarios in which nothing is asked: when everybody has started, and when everything was asked. */
export const AT_REST = 'rest'
export const AT_THE_END = 'end'

export interface Sample {
  contender: string
  scenario: string
  figures: Partial<Record<Figure, Spread>>
  /** What went wrong meanwhile, or was left out. */
  trouble?: string
}

export interface Result {
  at: string
  machine: string
  /** Who ran where. */
  cores: string
  /** How busy the machine was with other things. */
  load: string
  rounds: number
  /** Those that were measured, in order. */
  contenders: { name: string; title: string; version: string }[]
  /** Those that were not, and why. */
  absent: { name: string; title: string; reason: string }[]
  samples: Sample[]
}

/** A sample a line. */
export function written({ samples, ...others }: Result): string {
  const head = JSON.stringify(others, null, 1).replace(/\n}$/, '')
  const lines = samples.map((sample) => JSON.stringify(sample, (_, value) => shortened(value)))
  return `${head},\n "samples": [\n${lines.join(',\n')}\n]}\n`
}

const DIGITS = 4

function shortened(value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(DIGITS)) : value
}

export async function readResult(path: string): Promise<Result> {
  return JSON.parse(await readFile(path, 'utf8')) as Result
}

/** The median over the rounds. */
export function figureOf(
  { samples }: Result,
  contender: string,
  scenario: string,
  figure: Figure,
): number | undefined {
  return sampleOf(samples, contender, scenario)?.figures[figure]?.median
}

export function sampleOf(
  samples: readonly Sample[],
  contender: string,
  scenario: string,
): Sample | undefined {
  return samples.find((each) => each.contender === contender && each.scenario === scenario)
}
