/**
 * The names under which a process holds what it has set aside. What is held under a name falls back when the process is
 * no longer there to renew it; and since a hold may be lost while the process lives (its end was never told, or an
 * answer never came), a name is given up for a new one after a while, and at once where something may have gone wrong.
 * A name given up is renewed as long as something is under way under it; then all that is lost with it falls back.
 */
import { hex } from '../../protocol/ids.ts'

export interface Holders {
  /** Something is about to be held. */
  enter(): Holding
  /** The names that it is time to renew, which is thought to be done with that. */
  due(): string[]
}

export interface Holding {
  name: string
  /** It is given back. */
  leave(): void
  /** It is over, but whether it was given back nobody knows. */
  lose(): void
}

export interface HoldersOptions {
  now(): number
  /** For how long a name is believed in that is not renewed, in milliseconds. */
  liveness?: number
  /** After so many it is given up for a new one. */
  turn?: number
  /** Nothing is held under it any more. */
  onGone?: (name: string) => void
}

interface Name {
  underWay: number
  bornAt: number
  renewedAt: number
}

const TURN = 600_000
/** No call is under way for as long, in milliseconds: what still is has been lost. */
const LONGEST = 4_200_000
/** A name is renewed so many times before it would die. */
const RENEWALS = 4

export function holders(options: HoldersOptions): Holders {
  const { now, liveness = Number.POSITIVE_INFINITY, turn = TURN, onGone = () => {} } = options
  const names = new Map<string, Name>()
  let current: string | undefined

  function giveUp(name: string) {
    if (current === name) current = undefined
    if (names.get(name)?.underWay === 0) forget(name)
  }

  function forget(name: string) {
    if (names.delete(name)) onGone(name)
  }

  const age = (since: number, at: number) => Math.abs(at - since)

  /** One that was not renewed in time may be half forgotten: a process that was held up begins another. */
  function isGood({ bornAt, renewedAt }: Name, at: number): boolean {
    return age(bornAt, at) < turn && age(renewedAt, at) < liveness
  }

  function nameFor(at: number): [string, Name] {
    const held = current === undefined ? undefined : names.get(current)
    if (current !== undefined && held && isGood(held, at)) return [current, held]
    if (current !== undefined) giveUp(current)
    for (const [name, { bornAt }] of names) if (age(bornAt, at) >= turn + LONGEST) forget(name)
    const begun: Name = { underWay: 0, bornAt: at, renewedAt: at }
    current = hex(crypto.getRandomValues(new Uint8Array(8)))
    names.set(current, begun)
    return [current, begun]
  }

  return {
    enter() {
      const at = now()
      const [name, state] = nameFor(at)
      state.underWay++
      state.renewedAt = at
      let isOver = false
      const leave = () => {
        if (isOver) return
        isOver = true
        state.underWay--
        if (state.underWay === 0 && current !== name) forget(name)
      }
      return {
        name,
        leave,
        lose() {
          if (isOver) return
          giveUp(name)
          leave()
        },
      }
    },
    due() {
      const at = now()
      const due: string[] = []
      for (const [name, state] of names) {
        if (age(state.bornAt, at) >= turn + LONGEST) forget(name)
        else if (state.underWay > 0 && age(state.renewedAt, at) >= liveness / RENEWALS) {
          state.renewedAt = at
          due.push(name)
        }
      }
      return due
    },
  }
}
