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
  restore(): void
  /** Leads new connections to another port; those there are stay where they are. */
  leadTo(port: number): void
  close(): Promise<void>
}

export async function startRelay(target: { host: string; port: number }): Promise<Relay> {
  const sockets = new Set<Socket>()
  let { port } = target
  let isCut = false
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
    near.pipe(far).pipe(near)
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
    restore() {
      isCut = false
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
