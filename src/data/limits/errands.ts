/** Errands to a store of limits: those of about the same time go in one command, and are done in their order. */

/** When what has gathered is sent: it is called whenever something more waits to be. */
export type Soon = (send: () => void, isWaitedFor: boolean) => void

export const AT_ONCE: Soon = (send) => send()

/** Does them all or throws; a reply for each. */
export type Send = (keys: string[], errands: string[]) => Promise<readonly unknown[]>

export interface Errands {
  /** @throws what sending it throws, and for an answer that is none. */
  run(keys: readonly string[], errand: string, isWaitedFor: boolean): Promise<string>
  /** Whatever is asked from now on finds all of them done. */
  send(): void
}

interface Asker {
  resolve(reply: string): void
  reject(error: unknown): void
}

/** The store does nothing else meanwhile. */
const MOST = 100

export function errandsBy(sendAll: Send, soon: Soon): Errands {
  let keys: string[] = []
  let errands: string[] = []
  let askers: Asker[] = []

  function send() {
    if (askers.length === 0) return
    const asked = askers
    const work = sendAll(keys, errands)
    keys = []
    errands = []
    askers = []
    work.then(
      (replies) => {
        for (const [index, asker] of asked.entries()) answer(asker, replies[index])
      },
      (error) => {
        for (const { reject } of asked) reject(error)
      },
    )
  }

  return {
    run(more, errand, isWaitedFor) {
      return new Promise((resolve, reject) => {
        for (const key of more) keys.push(key)
        errands.push(errand)
        askers.push({ resolve, reject })
        if (askers.length >= MOST) send()
        else soon(send, isWaitedFor)
      })
    },
    send,
  }
}

function answer({ resolve, reject }: Asker, reply: unknown) {
  if (typeof reply === 'string') resolve(reply)
  else reject(noAnswer())
}

export function noAnswer(): Error {
  return new Error('The store of limits gave an answer that is none.')
}
