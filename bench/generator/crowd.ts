/** Streams that are opened and then stay open, until they are let go. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Connection, connectionTo } from './connection.ts'
import { exchange } from './exchange.ts'
import { tally } from './tally.ts'

export interface Crowd {
  /** Opens streams until there are so many; gives how many there are after a while at most. */
  grow(to: number, within: number): Promise<number>
  letGo(): void
}

/** How many may be about to open: a listener's backlog is no part of what is measured. */
const OPENING = 50

export function crowd(port: number, request: Buffer): Crowd {
  const members: Connection[] = []
  const notes = tally()
  let open = 0
  async function join() {
    const connection = connectionTo(port)
    members.push(connection)
    await new Promise<void>((resolve) => {
      const begun = () => {
        open++
        resolve()
      }
      void exchange(connection, request, notes, begun).then(resolve)
    })
  }
  return {
    async grow(to, within) {
      const until = performance.now() + within
      const opener = async () => {
        while (members.length < to && performance.now() < until) await join()
      }
      const openers = Array.from({ length: OPENING }, opener)
      await Promise.race([Promise.all(openers), sleep(within, undefined, { ref: false })])
      return open
    },
    letGo() {
      for (const member of members) member.close()
    },
  }
}
