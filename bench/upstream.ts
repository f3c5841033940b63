/**
 * A Bedrock that answers at once, in a process of its own, and judges nothing. Each answer says in its id when the
 * request had arrived and when the answer left, on the clock that all processes of a machine share.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { firstFrame, otherFrames, wholeAnswer } from './frames.ts'

/** The argument that makes this program the upstream. */
export const UPSTREAM = 'upstream'

/** This model answers at once. */
export const QUICK = 'claude-sonnet-5-5'
/** This one thinks first, for so many milliseconds. */
export const THOUGHTFUL = 'claude-opus-5-5'
export const THINKS = 20

export interface Upstream {
  url: string
  process: ChildProcess
}

/** Starts this same program again, as the upstream. */
export async function startUpstream(): Promise<Upstream> {
  const child = fork(process.argv[1] ?? '', [UPSTREAM])
  const [port] = await once(child, 'message')
  return { url: `http://127.0.0.1:${port}`, process: child }
}

/** Serves until the process that started it is gone. */
export async function serveUpstream() {
  const rest = otherFrames()
  const server = createServer((request, response) => {
    request.resume().once('end', () => void answer(request, response, rest))
  })
  server.keepAliveTimeout = 60_000
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  process.send?.((server.address() as AddressInfo).port)
  process.once('disconnect', () => process.exit(0))
}

const PATH = /^\/model\/([^/]+)\/(invoke|invoke-with-response-stream)$/

async function answer({ url = '' }: IncomingMessage, response: ServerResponse, rest: Buffer) {
  const arrived = process.hrtime.bigint()
  const [, modelId, operation] = PATH.exec(url) ?? []
  if (modelId === undefined) return void response.writeHead(404).end('{"message":"There is nothing here."}')
  if (modelId.includes(THOUGHTFUL)) await new Promise((resolve) => setTimeout(resolve, THINKS))
  const id = `msg_${arrived}_${process.hrtime.bigint()}`
  if (operation === 'invoke') {
    response.writeHead(200, { 'content-type': 'application/json' }).end(wholeAnswer(id))
    return
  }
  response.writeHead(200, { 'content-type': 'application/vnd.amazon.eventstream' })
  response.write(firstFrame(id))
  setImmediate(() => response.end(rest))
}
