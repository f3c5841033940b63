/**
 * Plays acts on a real response: headers, bytes with backpressure, silences, endings.
 */
import type { ServerResponse } from 'node:http'
import { setImmediate } from 'node:timers/promises'
import type { Act } from './score.ts'
import type { Manner } from './steps.ts'

export interface Head {
  status: number
  headers: Record<string, string>
}

/** Resolves when the reply is over, whoever ended it; true when it was the peer. */
export async function play(
  response: ServerResponse,
  head: Head,
  acts: Iterable<Act>,
  { split, merge }: Pick<Manner, 'split' | 'merge'>,
): Promise<boolean> {
  const gone = new Promise<void>((resolve) => response.once('close', resolve))
  let held: Buffer[] = []
  for (const act of acts) {
    if (response.closed || response.destroyed) return true
    if (act.act === 'write') {
      if (merge) held.push(act.bytes)
      else await send(response, act.bytes, split, gone)
      continue
    }
    await send(response, Buffer.concat(held), split, gone)
    held = []
    if (act.act === 'head') begin(response, head)
    if (act.act === 'wait') await pause(act.ms, response)
    if (act.act === 'hang') await gone
    if (act.act === 'destroy') return destroy(response)
    if (act.act === 'end') response.end()
  }
  await gone
  return !response.writableFinished
}

function begin(response: ServerResponse, head: Head): void {
  response.writeHead(head.status, head.headers)
  response.flushHeaders()
}

/** The bytes already written must reach the peer, or the fault would not be where the script says. */
function destroy(response: ServerResponse): false {
  response.write('', () => response.socket?.destroy())
  return false
}

async function send(
  response: ServerResponse,
  bytes: Buffer,
  split: number | undefined,
  gone: Promise<void>,
): Promise<void> {
  const size = split ?? bytes.length
  for (let at = 0; at < bytes.length && !response.destroyed; at += size) {
    const roomy = response.write(bytes.subarray(at, at + size))
    if (!roomy) await Promise.race([new Promise<void>((resolve) => response.once('drain', resolve)), gone])
    if (split !== undefined) await setImmediate()
  }
}

function pause(ms: number, response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const over = () => {
      clearTimeout(timer)
      response.off('close', over)
      resolve()
    }
    const timer = setTimeout(over, ms)
    response.once('close', over)
  })
}
