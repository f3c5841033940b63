/** Bun's HTTP server. https://bun.com/docs/runtime/http/server */
import type { Answer, Listen } from './listening.ts'

/** As much of it as is used. */
interface BunServer {
  port: number
  requestIP(request: Request): { address: string } | null
  /** Resolves when nothing is under way any more. */
  stop(): Promise<void>
}

interface BunOptions {
  hostname: string
  port: number
  development: boolean
  /** Unless told not to, two processes share a port and nobody says so. */
  reusePort: boolean
  /** Seconds; 0 for ever. A model may think for minutes without a word. */
  idleTimeout: number
  /** Above ours, so that it is we who refuse, in our words. */
  maxRequestBodySize: number
  fetch(request: Request, server: BunServer): ReturnType<Answer>
}

declare const Bun: { serve(options: BunOptions): BunServer }

export const listenOnBun: Listen = async (answer, { host, port }) => {
  const server = Bun.serve({
    hostname: host,
    port,
    development: false,
    reusePort: false,
    idleTimeout: 0,
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    fetch: (request, asked) => answer(request, asked.requestIP(request)?.address),
  })
  return { port: server.port, drained: () => server.stop() }
}
