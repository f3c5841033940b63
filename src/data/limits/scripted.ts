/** Limits in a Redis, whichever way it is reached: a script, sent by its digest once the server has it. */
import { charged, type Floor, type Standing, type Want } from '../limits.ts'
import { AT_ONCE, errandsBy, noAnswer } from './errands.ts'
import type { SharedLimits } from './fallback.ts'
import type { Holders, Holding } from './holders.ts'
import { digestOf, SCRIPTS } from './script.ts'

/** The two commands that run a script. Each is sent at most once: a repeated one would take twice. */
export interface ScriptRunner {
  evalsha(digest: string, keys: string[], args: string[]): Promise<unknown>
  eval(script: string, keys: string[], args: string[]): Promise<unknown>
}

export interface ScriptedOptions {
  /** This process, which may outlive this way to the server. */
  holders: Holders
  /** For how long the server believes in a name that is not renewed, in milliseconds. */
  liveness: number
  /** Instead of the server's clock. */
  clock?: (() => number) | undefined
}

export interface ScriptedLimits extends SharedLimits {
  /** Says that this process lives, where it holds something and that has not been said for a while. */
  renew(): Promise<void>
}

/** All limits of an installation share a hash slot, so that one script sees them all; and the names that live with them. */
const PREFIX = 'outcrop:limits:{all}'

/** @throws what the runner throws, and for an answer that is none. */
export function scriptedLimits(
  runner: ScriptRunner,
  { holders, liveness, clock }: ScriptedOptions,
  soon = AT_ONCE,
): ScriptedLimits {
  const digests = new Map<string, string>() // no promises: on Workers those would belong to the request that began them

  async function run(script: string, keys: string[], rest: readonly (string | number)[]): Promise<unknown[]> {
    const args = [clock ? clock() : '', ...rest].map(String)
    const digest = digests.get(script) ?? (await digestOf(script))
    digests.set(script, digest)
    const reply = await runner.evalsha(digest, keys, args).catch((error: unknown) => {
      if (!/NOSCRIPT/.test(String(error))) throw error
      return runner.eval(script, keys, args)
    })
    return Array.isArray(reply) ? reply : []
  }

  const errands = errandsBy((keys, all) => run(SCRIPTS.work, [PREFIX, ...keys], [liveness, ...all]), soon)

  async function raise(floors: readonly Floor[], mode: 'begin' | '') {
    if (floors.length === 0) return
    errands.send() // what was settled before is no part of them
    const figures = floors.flatMap(({ floor, until }) => [floor, until])
    await run(SCRIPTS.raise, [PREFIX, ...keysOf(floors)], [mode, ...figures])
  }

  /** Where it fails, the store may have done it or not. */
  function lost(error: unknown, held: Holding | undefined): never {
    held?.lose()
    throw error
  }

  return {
    async take(wants) {
      const held = wants.some(isHold) ? holders.enter() : undefined
      const keys = keysOf(wants)
      const { granted, standings, asides } = await errands
        .run(keys, takeErrand(wants, held?.name), true)
        .then((reply) => readTaken(wants, reply))
        .catch((error: unknown) => lost(error, held))
      if (!granted) {
        held?.leave()
        return { granted, standings, unknown: unknownOf(asides) }
      }
      return {
        granted,
        standings,
        asides,
        async settle(costs) {
          const errand = settleErrand(wants, held?.name, asides, costs)
          await errands.run(keys, errand, false).catch((error: unknown) => lost(error, held))
          held?.leave()
        },
        abandon: () => held?.lose(),
      }
    },
    raise: (floors) => raise(floors, 'begin'),
    lift: (floors) => raise(floors, ''),
    async renew() {
      const due = holders.due()
      if (due.length > 0) await run(SCRIPTS.renew, [PREFIX], [liveness, ...due])
    },
  }
}

const isHold = ({ kind }: Want) => kind === 'hold'

const keysOf = (all: readonly { name: string }[]) => all.map(({ name }) => `${PREFIX}:${name}`)

const NONE = '-'

function takeErrand(wants: readonly Want[], holder = NONE): string {
  let errand = `take ${holder}`
  for (const want of wants) {
    errand +=
      want.kind === 'rate'
        ? ` rate ${want.cap} ${want.per} ${charged(want)} -`
        : ` hold ${want.cap ?? NONE} ${want.until} ${want.cost} ${want.floor ?? NONE}`
  }
  return errand
}

function settleErrand(
  wants: readonly Want[],
  holder = NONE,
  asides: readonly number[],
  costs: readonly number[],
): string {
  let errand = `settle ${holder}`
  for (const [index, want] of wants.entries()) {
    const cost = costs[index] ?? 0
    errand +=
      want.kind === 'rate'
        ? ` rate ${want.cap} ${want.per} ${cost - charged(want)} -`
        : ` hold - - ${cost} ${asides[index] ?? 0}`
  }
  return errand
}

/** What the script says was set aside of an account that is not known. */
const UNKNOWN = -1

function unknownOf(asides: readonly number[]): number[] {
  return [...asides.keys()].filter((index) => asides[index] === UNKNOWN)
}

/** @throws for an answer that is none. */
function readTaken(wants: readonly Want[], reply: string) {
  const words = reply.split(' ')
  if (words.length !== 1 + 3 * wants.length || (words[0] !== '1' && words[0] !== '0')) throw noAnswer()
  const standings: Standing[] = []
  const asides: number[] = []
  let place = 1
  for (const { kind } of wants) {
    const first = figureOf(words[place++])
    const held = figureOf(words[place++])
    standings.push(kind === 'rate' ? { used: first } : { spent: first, held })
    asides.push(figureOf(words[place++]))
  }
  return { granted: words[0] === '1', standings, asides }
}

function figureOf(word: string | undefined): number {
  const figure = Number(word)
  if (!Number.isFinite(figure)) throw noAnswer()
  return figure
}
