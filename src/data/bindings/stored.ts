/** Bindings in a Redis, whichever way it is reached: one command to ask, one script to say. */
import type { Found, Move, SharedBindings } from '../bindings.ts'

/** The commands that are used. */
export interface BindingRunner {
  mget(keys: string[]): Promise<unknown>
  eval(script: string, keys: string[], args: string[]): Promise<unknown>
}

const PREFIX = 'outcrop:bindings:'

/** Who knew better than we did has moved it meanwhile: that stands, and its time goes on as it was. */
const KEEP = `
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] and held ~= ARGV[2] then return held end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return ARGV[2]
`

/** @throws what the runner throws, and for an answer that is none. */
export function storedBindings(runner: BindingRunner): SharedBindings {
  return {
    async find(names): Promise<Found> {
      const told = await runner.mget(names.map((name) => PREFIX + name))
      if (!Array.isArray(told) || told.length !== names.length) throw noAnswer()
      return told.map((each: unknown) => (typeof each === 'string' ? each : undefined))
    },
    async keep(name, { from = '', to, lasts }: Move) {
      const held = await runner.eval(KEEP, [PREFIX + name], [from, to, String(lasts)])
      if (typeof held !== 'string') throw noAnswer()
      return held
    },
  }
}

function noAnswer(): Error {
  return new Error('The store of bindings gave an answer that is none.')
}
