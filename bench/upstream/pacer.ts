/** Writes the events of many streams, each at its own times, which do not slip when one of them was late. */
import type { Socket } from 'node:net'

interface Stream {
  socket: Socket
  pieces: readonly Buffer[]
  began: number
  /** Milliseconds from one event to the next. */
  pace: number
  next: number
}

/** As often as timers fire. */
const TICK = 1

/** What it returns begins one more stream, with its first event. */
export function pacer(): (socket: Socket, pieces: readonly Buffer[], over: number) => void {
  const streams = new Set<Stream>()
  let clock: NodeJS.Timeout | undefined

  function tick() {
    const now = performance.now()
    for (const stream of streams) {
      const { socket, pieces, began, pace } = stream
      const due = Math.min(pieces.length, Math.floor((now - began) / pace) + 1)
      for (; stream.next < due; stream.next++) socket.write(pieces[stream.next] ?? '')
      if (stream.next === pieces.length || socket.destroyed) streams.delete(stream)
    }
    if (streams.size > 0) return
    clearInterval(clock)
    clock = undefined
  }

  return (socket, pieces, over) => {
    const pace = over / (pieces.length - 1)
    streams.add({ socket, pieces, began: performance.now(), pace, next: 1 })
    socket.write(pieces[0] ?? '')
    clock ??= setInterval(tick, TICK)
  }
}
