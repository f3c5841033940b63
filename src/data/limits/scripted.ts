/** Limits in a Redis, whichever way it is reached: one script a call, sent by its digest once the server has it. */
import { charged, type Limits, type Rate, type Want } from '../limits.ts'
import { digestOf, SCRIPT } from './script.ts'

/** The two commands that run a script. Each is sent at most once: a repeated one would take twice. */
export interface ScriptRunner {
  evalsha(digest: string, keys: string[], args: string[]): Promise<unknown>
  eval(script: string, keys: string[], args: string[]): Promise<unknown>
}

/** `now`: instead of the server's clock. @throws what the runner throws, and for an answer that is none. */
export function scriptedLimits(runner: ScriptRunner, now?: () => number): Limits {
  let digest: string | undefined // no promise is kept: on Workers it would belong to the request that began it

  async function run(mode: 'take' | 'settle', wants: readonly Rate[], amounts: readonly number[]) {
    const keys = wants.map(({ name }) => `outcrop:limits:{all}:${name}`)
    const figures = wants.flatMap(({ cap, per }, index) => [cap, per, amounts[index] ?? 0])
    const args = [now ? String(now()) : '', mode, ...figures.map(String)]
    digest ??= await digestOf(SCRIPT)
    const reply = await runner.evalsha(digest, keys, args).catch((error: unknown) => {
      if (!/NOSCRIPT/.test(String(error))) throw error
      return runner.eval(SCRIPT, keys, args)
    })
    return figuresIn(reply, wants.length + 1)
  }

  return {
    async take(wants) {
      const rates = ratesIn(wants)
      const [granted, ...used] = await run('take', rates, rates.map(charged))
      const standings = used.map((each) => ({ used: each }))
      if (granted !== 1) return { granted: false, standings, unknown: [] }
      return {
        granted: true,
        standings,
        async settle(costs) {
          await run(
            'settle',
            rates,
            rates.map((rate, index) => (costs[index] ?? 0) - charged(rate)),
          )
        },
      }
    },
    raise() {},
  }
}

function ratesIn(wants: readonly Want[]): Rate[] {
  const rates = wants.filter((want) => want.kind === 'rate')
  if (rates.length < wants.length) throw new Error('This store knows no holds.')
  return rates
}

function figuresIn(reply: unknown, count: number): number[] {
  const figures = Array.isArray(reply) ? reply.map(Number) : []
  if (figures.length !== count || !figures.every(Number.isFinite)) {
    throw new Error('The store of limits gave an answer that is none.')
  }
  return figures
}
