/** The words of the command: `npm run bench -- --only burst,json-100k --contenders pipe,node --quick`. */
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { CONTENDERS } from './contenders/index.ts'
import { OVERLOAD } from './overload.ts'
import { QUICK, SCENARIOS } from './scenarios.ts'

export interface Words {
  /** Scenarios, by name. */
  only: readonly string[]
  contenders: readonly string[]
  quick: boolean
  rounds: number
  /** The file of an earlier run to compare with. */
  against: string | undefined
  /** Where the result is kept. */
  json: string
  /** Instead of measuring: the result of an earlier run. */
  from: string | undefined
  /** Whether the pages of the repository are to say it. */
  docs: boolean
  /** A folder for profiles of Outcrop on Node. */
  profile: string | undefined
}

const ROUNDS = 3
/** The silences, by one name. */
export const IDLE = 'idle'
const LATEST = 'dist/bench.json'

/** @throws with what is possible, where a word is not. */
export function readWords(args: readonly string[]): Words {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      contenders: { type: 'string' },
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      against: { type: 'string' },
      json: { type: 'string', default: LATEST },
      from: { type: 'string' },
      docs: { type: 'boolean', default: false },
      profile: { type: 'string' },
    },
  })
  const { quick, against, json, from, docs, profile } = values
  const everything = [...SCENARIOS.map(({ name }) => name), OVERLOAD, IDLE]
  return {
    only: chosen('scenario', values.only, everything) ?? (quick ? QUICK : everything),
    contenders:
      chosen(
        'contender',
        values.contenders,
        CONTENDERS.map(({ name }) => name),
      ) ?? CONTENDERS.map(({ name }) => name),
    quick,
    rounds: values.rounds === undefined ? (quick ? 1 : ROUNDS) : Number(values.rounds),
    against,
    json,
    from,
    docs,
    profile: profile && resolve(profile),
  }
}

function chosen(kind: string, list: string | undefined, possible: readonly string[]): string[] | undefined {
  const names = list?.split(',')
  for (const name of names ?? [])
    if (!possible.includes(name)) throw new Error(`There is no ${kind} ${name}: ${possible.join(', ')}`)
  return names
}
