/** Limits in a Redis, whichever way it is reached: one script a call, sent by its digest once the server has it. */
import { charged, type Floor, type Want } from '../limits.ts'
import type { SharedLimits } from './fallback.ts'
import type { Holders } from './holders.ts'
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
export function scriptedLimits(runner: ScriptRunner, options: ScriptedOptions): ScriptedLimits {
  const { holders, liveness, clock } = options
  const digests = new Map<string, string>() // no promises: on Workers those would belong to the request that began them

  async function run(script: string, names: readonly string[], rest: readonly unknown[]): Promise<string[]> {
    const keys = [PREFIX, ...names.map((name) => `${PREFIX}:${name}`)]
    const args = [clock ? clock() : '', ...rest].map(String)
    const digest = digests.get(script) ?? (await digestOf(script))
    digests.set(script, digest)
    const reply = await runner.evalsha(digest, keys, args).catch((error: unknown) => {
      if (!/NOSCRIPT/.test(String(error))) throw error
      return runner.eval(script, keys, args)
    })
    return Array.isArray(reply) ? reply.map(String) : []
  }

  async function settle(
    wants: readonly Want[],
    holder: string,
    asides: readonly number[],
    costs: readonly number[],
  ) {
    const figures = wants.flatMap((want, index) => {
      const cost = costs[index] ?? 0
      return want.kind === 'rate'
        ? ['rate', want.cap, want.per, cost - charged(want), '']
        : ['hold', '', '', cost, asides[index]]
    })
    await run(SCRIPTS.settle, namesOf(wants), [holder, ...figures])
  }

  async function raise(floors: readonly Floor[], mode: 'begin' | '') {
    if (floors.length === 0) return
    const figures = floors.flatMap(({ floor, until }) => [floor, until])
    await run(SCRIPTS.raise, namesOf(floors), [mode, ...figures])
  }

  return {
    async take(wants) {
      const holding = wants.some(({ kind }) => kind === 'hold') ? holders.enter() : undefined
      const holder = holding?.name ?? ''
      /** Where it fails, the store may have done it or not. */
      const surely = async <T>(work: Promise<T>): Promise<T> =>
        work.catch((error: unknown) => {
          holding?.lose()
          throw error
        })
      const { granted, standings, asides } = await surely(
        run(SCRIPTS.take, namesOf(wants), [holder, liveness, ...wants.flatMap(figuresOf)]).then((reply) =>
          readTaken(wants, reply),
        ),
      )
      if (!granted) {
        holding?.leave()
        return {
          granted,
          standings,
          unknown: [...asides.keys()].filter((index) => asides[index] === UNKNOWN),
        }
      }
      return {
        granted,
        standings,
        asides,
        async settle(costs) {
          await surely(settle(wants, holder, asides, costs))
          holding?.leave()
        },
        abandon: () => holding?.lose(),
      }
    },
    raise: (floors) => raise(floors, 'begin'),
    lift: (floors) => raise(floors, ''),
    async renew() {
      const due = holders.due()
      if (due.length > 0) await run(SCRIPTS.renew, [], [liveness, ...due])
    },
  }
}

const namesOf = (all: readonly { name: string }[]) => all.map(({ name }) => name)

function figuresOf(want: Want): unknown[] {
  return want.kind === 'rate'
    ? ['rate', want.cap, want.per, charged(want), '']
    : ['hold', want.cap ?? '', want.until, want.cost, want.floor ?? '']
}

/** What the script says was set aside of an account that is not known. */
const UNKNOWN = -1

/** @throws for an answer that is none. */
function readTaken(wants: readonly Want[], [granted, ...told]: readonly string[]) {
  const rows = told.map((row) => row.split(' ').map(Number))
  const isWhole = rows.every((row) => row.length === 3 && row.every(Number.isFinite))
  if ((granted !== '1' && granted !== '0') || rows.length !== wants.length || !isWhole)
    throw new Error('The store of limits gave an answer that is none.')
  const standings = rows.map(([first = 0, held = 0], index) =>
    wants[index]?.kind === 'rate' ? { used: first } : { spent: first, held },
  )
  return { granted: granted === '1', standings, asides: rows.map(([, , aside = 0]) => aside) }
}
