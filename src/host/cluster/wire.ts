/**
 * What the processes of one gateway say to each other, over the channel that Node's cluster lays between them.
 * https://nodejs.org/docs/latest-v20.x/api/cluster.html
 */
import type { Move } from '../../data/bindings.ts'
import type { Floor, Granted, Refused, Want } from '../../data/limits.ts'
import { inTime } from '../../protocol/deadline.ts'

export interface Questions {
  /** To the primary: take these limits, held under that name. */
  take: {
    asks: { wants: readonly Want[]; holder: string }
    /** `grant`: what to settle it by. */
    answer: { grant: number; taken: Omit<Granted, 'settle'> | Refused }
  }
  /** To the primary: where sessions are kept; and that one was served, where it is kept now. */
  find: { asks: readonly string[]; answer: (string | null)[] }
  keep: { asks: { name: string; move: Move }; answer: string }
  /** To the primary: the counters of all. To a worker: its own. */
  metrics: { asks: null; answer: string }
}

export interface Notices {
  /** To the primary: what limits that were granted have cost after all. */
  settle: { holder: string; grant: number; costs: readonly number[] }
  /** To the primary: at least that is spent; of accounts that it knows only. */
  raise: readonly Floor[]
  lift: readonly Floor[]
  /** To the primary: nothing is under way under this name any more, whatever is still held. */
  drop: string
  /** What is cached under this key is no longer so. The primary passes it on to the others. */
  forget: string
}

type Answers = { [Q in keyof Questions]?: (asks: Questions[Q]['asks']) => Promise<Questions[Q]['answer']> }
type Ears = { [N in keyof Notices]?: (notice: Notices[N]) => void }

type Message =
  | { ask: keyof Questions; asks: unknown; id: number }
  | { id: number; answer: unknown }
  | { tell: keyof Notices; notice: unknown }

/** One end of the channel: the process itself in a worker, a worker in the primary. */
export interface End {
  send?: ((message: Message) => unknown) | undefined
  on(event: 'message', heard: (message: Message) => void): unknown
}

export interface Speaker {
  ask<Q extends keyof Questions>(question: Q, asks: Questions[Q]['asks']): Promise<Questions[Q]['answer']>
  tell<N extends keyof Notices>(name: N, notice: Notices[N]): void
}

/** A process of the same machine that has not answered by then is stuck, or gone. */
const ANSWER_WITHIN = 1_000

export function speaker(end: End, answers: Answers, ears: Ears): Speaker {
  const open = new Map<number, (answer: unknown) => void>()
  let asked = 0

  end.on('message', (message) => {
    if ('tell' in message) {
      const hear = ears[message.tell] as ((notice: unknown) => void) | undefined
      hear?.(message.notice)
    } else if ('ask' in message) {
      const answer = answers[message.ask] as ((asks: unknown) => Promise<unknown>) | undefined
      void answer?.(message.asks).then((said) => end.send?.({ id: message.id, answer: said }))
    } else {
      open.get(message.id)?.(message.answer)
    }
  })

  return {
    ask(question, asks) {
      const id = ++asked
      const answered = () => {
        end.send?.({ ask: question, asks, id })
        return new Promise<Questions[typeof question]['answer']>((resolve) => {
          open.set(id, (answer) => resolve(answer as Questions[typeof question]['answer']))
        })
      }
      return inTime(ANSWER_WITHIN, answered, silence).finally(() => open.delete(id))
    },
    tell(name, notice) {
      end.send?.({ tell: name, notice })
    },
  }
}

function silence(): Error {
  return new Error('another process of this gateway does not answer')
}
