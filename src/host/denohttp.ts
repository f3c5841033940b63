/** Deno's HTTP server. https://docs.deno.com/api/deno/~/Deno.serve */
import type { Answer, Listen } from './listening.ts'

/** As much of it as is used. */
interface DenoServer {
  addr: { port: number }
  /** Takes no new connection; resolves when nothing is under way any more. */
  shutdown(): Promise<void>
}

interface DenoOptions {
  hostname: string
  port: number
  /** Its own words about where it listens are not wanted. */
  onListen(): void
}

/** Of a request: whom it came from, over TCP. */
interface DenoInfo {
  remoteAddr: { hostname?: string }
}

declare const Deno: {
  serve(options: DenoOptions, answer: (request: Request, info: DenoInfo) => ReturnType<Answer>): DenoServer
}

export const listenOnDeno: Listen = async (answer, { host, port }) => {
  const server = Deno.serve({ hostname: host, port, onListen() {} }, (request, { remoteAddr }) =>
    answer(request, remoteAddr.hostname),
  )
  return { port: server.addr.port, drained: () => server.shutdown() }
}
