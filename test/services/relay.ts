/**
 * A TCP relay on loopback that can be cut, for taking a server away from one client without stopping it, and switched
 * over to another server, as a load balancer does.
 */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

export interface Relay {
  port: number
  /** Breaks every connection, and refuses new ones until `restore`. */
  cut(): void
  /** Says nothing any more, and closes nothing: as a server that is paused, or a network that swallows. */
  hold(): void
  /** As hold, for good, but new connections are well: as when an address has moved to another machine. */
  strand(): void
  restore(): void
  /** Leads new connections to another port; those there are stay where they are. */
  leadTo(port: number): void
  close(): Promise<void>
}

export async function startRelay(target: { host: string; port: number }): Promise<Relay> {
  const sockets = new Set<Socket>()
  let { port } = target
  let isCut = false
  let isHeld = false
  const keep = (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    socket.on('error', () => {})
  }
  const server = createServer((near) => {
    if (isCut) return void near.resetAndDestroy()
    const far = connect(port, target.host)
    keep(near)
    keep(far)
    lead(near, far)
    lead(far, near)
    if (isHeld) for (const socket of [near, far]) socket.pause()
    near.once('close', () => far.destroy())
    far.once('close', () => near.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const breakAll = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    cut() {
      isCut = true
      breakAll()
    },
    hold() {
      isHeld = true
      for (const socket of sockets) socket.pause()
    },
    strand() {
      for (const socket of sockets) socket.pause()
    },
    restore() {
      isCut = false
      isHeld = false
      for (const socket of sockets) socket.resume()
    },
    leadTo(other) {
      port = other
    },
    async close() {
      breakAll()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Not a pipe, which would resume by itself what was paused. */
function lead(from: Socket, to: Socket) {
  from.on('data', (piece) => to.write(piece))
  from.once('end', () => to.end())
}
