/** What every store of bindings must do. */
import { expect, test } from 'vitest'
import type { Bindings, Found, Move } from '../../src/data/bindings.ts'

export interface OpenedBindings {
  bindings: Pick<Bindings, 'find'> & {
    keep(name: string, move: Move): Promise<unknown> | unknown
  }
  close(): void
}

/** `clock`: where a store goes by its own, `later` waits for that. */
export function bindingsSuite(
  open: (clock: () => number) => Promise<OpenedBindings>,
  later?: (milliseconds: number) => Promise<void>,
) {
  let names = 0
  const fresh = () => `suite ${process.pid} ${Date.now()} ${names++}`

  async function opened() {
    const clock = { now: Date.UTC(2026, 10, 20) }
    const { bindings, close } = await open(() => clock.now)
    const find = async (...asked: string[]): Promise<Found> => bindings.find(asked)
    const keep = (name: string, from: string | undefined, to: string, lasts = 60_000) =>
      bindings.keep(name, { from, to, lasts })
    const pass =
      later ??
      (async (time: number) => {
        clock.now += time
      })
    return { find, keep, close, pass }
  }

  test('nobody is bound anywhere at first; then where a call was served', async () => {
    const { find, keep, close } = await opened()
    const [name, other] = [fresh(), fresh()]
    expect(await find(name, other)).toEqual([undefined, undefined])
    await keep(name, undefined, 'a')
    expect(await find(other, name)).toEqual([undefined, 'a'])
    close()
  })

  test('whoever knew where it was moves it; whoever did not leaves it where others have moved it', async () => {
    const { find, keep, close } = await opened()
    const name = fresh()
    await keep(name, undefined, 'a')
    await keep(name, 'a', 'b')
    expect(await find(name)).toEqual(['b'])
    await keep(name, 'a', 'a')
    await keep(name, undefined, 'c')
    await keep(name, 'a', 'c')
    expect(await find(name)).toEqual(['b'])
    close()
  })

  test('it is over after its time, which begins anew with each call that was served', async () => {
    const { find, keep, close, pass } = await opened()
    const name = fresh()
    await keep(name, undefined, 'a', 2_000)
    await pass(1_200)
    await keep(name, 'a', 'a', 2_000)
    await pass(1_200)
    expect(await find(name)).toEqual(['a'])
    await pass(2_300)
    expect(await find(name)).toEqual([undefined])
    close()
  })

  test('names may hold anything that clients send', async () => {
    const { find, keep, close } = await opened()
    const odd = [`${fresh()} {a} "b" *`, `${fresh()}\n{a}`, `${fresh()} é中`]
    for (const [index, name] of odd.entries()) await keep(name, undefined, `u${index}`)
    expect(await find(...odd)).toEqual(['u0', 'u1', 'u2'])
    close()
  })
}
