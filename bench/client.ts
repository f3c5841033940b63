/** One request at a time over one kept connection, timed on the clock that all processes of a machine share. */
import { Agent, type IncomingMessage, request } from 'node:http'

/** Where to send, and with which headers. */
export interface Target {
  url: string
  headers: Record<string, string>
}

/** Nanoseconds. */
export interface Timing {
  /** From the first byte of the request being written to the first byte of the answer's body, less `thought`. */
  firstByte: number
  /** Of that: until the upstream had the whole request. */
  there: number
  /** And from the upstream's first byte until ours. */
  back: number
}

export type Send = (body: Buffer) => Promise<Timing>

/** @throws from what it returns, where the answer is not 200, or not complete. */
export function sender({ url, headers }: Target): Send {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  return async (body) => {
    const began = process.hrtime.bigint()
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const options = { method: 'POST', agent, headers: { ...headers, 'content-length': body.length } }
      request(url, options, resolve).once('error', reject).end(body)
    })
    let first: bigint | undefined
    const parts: Buffer[] = []
    for await (const part of response as AsyncIterable<Buffer>) {
      first ??= process.hrtime.bigint()
      parts.push(part)
    }
    const answer = words(Buffer.concat(parts).toString('latin1'))
    const [, arrived, left] = /"msg_(\d+)_(\d+)"/.exec(answer) ?? []
    const inOnePiece = response.headers['content-type'] === 'application/json'
    const complete = inOnePiece || answer.includes('"type":"message_stop"')
    if (response.statusCode !== 200 || !complete || !first || !arrived || !left) {
      throw new Error(`${url} answered ${response.statusCode}: ${answer.slice(0, 300)}`)
    }
    const there = Number(BigInt(arrived) - began)
    const back = Number(first - BigInt(left))
    return { firstByte: there + back, there, back }
  }
}

/** What an answer says, be it JSON, server-sent events, or event stream with the events in base64. */
function words(answer: string): string {
  const chunks = answer.matchAll(/\{"bytes":"([^"]+)"/g)
  return answer.startsWith('\0') ? [...chunks].map(([, bytes = '']) => atob(bytes)).join('\n') : answer
}
