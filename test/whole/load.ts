/** A load of streams that goes on until it is told to stop, and what became of each. */
import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { said } from './caller.ts'

export interface Outcome {
  /** Of the answer; undefined where there was none. */
  id: string | undefined
  status: number | undefined
  /** The answer was read to its end. */
  finished: boolean
  /** What it said, where it was refused. */
  refusal: string | undefined
  /** From sending to the first byte of the answer's body, in milliseconds. */
  firstByte: number | undefined
}

export interface Load {
  outcomes: Outcome[]
  /** No more are sent; resolves when the last one is over. */
  stop(): Promise<Outcome[]>
}

interface Wish {
  /** How many at once. */
  callers: number
  words?: string
  /** Between the requests of one caller, in milliseconds. */
  pause?: number
}

export function startLoad(port: number, key: string, { callers, words = '!long 5', pause = 0 }: Wish): Load {
  const agent = new Agent({ keepAlive: true })
  const outcomes: Outcome[] = []
  const body = JSON.stringify(said(words, { stream: true }))
  let isOn = true
  const caller = async () => {
    while (isOn) {
      outcomes.push(await one(port, agent, key, body))
      await sleep(pause)
    }
  }
  const over = Promise.all(Array.from({ length: callers }, caller))
  return {
    outcomes,
    async stop() {
      isOn = false
      await over
      agent.destroy()
      return outcomes
    },
  }
}

function one(port: number, agent: Agent, key: string, body: string): Promise<Outcome> {
  const outcome: Outcome = {
    id: undefined,
    status: undefined,
    finished: false,
    refusal: undefined,
    firstByte: undefined,
  }
  const begun = performance.now()
  const headers = { 'x-api-key': key, 'content-type': 'application/json' }
  return new Promise((resolve) => {
    const sent = request(
      { host: '127.0.0.1', port, method: 'POST', path: '/v1/messages', agent, headers },
      (answer) => {
        const id = answer.headers['request-id']
        Object.assign(outcome, { id, status: answer.statusCode })
        let text = ''
        answer.setEncoding('utf8')
        answer.on('error', () => {})
        answer.on('data', (piece: string) => {
          outcome.firstByte ??= performance.now() - begun
          text += piece
          if (text.includes('event: message_stop\n')) outcome.finished = true
        })
        answer.once('close', () => {
          if (answer.statusCode !== 200) outcome.refusal = text
          resolve(outcome)
        })
      },
    )
    sent.on('error', () => resolve(outcome))
    sent.end(body)
  })
}
