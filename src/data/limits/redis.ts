/**
 * Limits in a Redis over TCP, by ioredis. Nothing waits in a queue: a command goes out at once or fails at once, and a
 * connection that has fallen silent is given up for a new one. https://github.com/redis/ioredis
 */
import { Redis } from 'ioredis'
import { inTime } from '../../protocol/deadline.ts'
import { storedBindings } from '../bindings/stored.ts'
import type { SharedBindings } from '../bindings.ts'
import type { Soon } from './errands.ts'
import { type ScriptedLimits, type ScriptedOptions, type ScriptRunner, scriptedLimits } from './scripted.ts'

export interface OpenRedis {
  limits: ScriptedLimits
  /** Over the same connection. */
  bindings: SharedBindings
  close(): void
}

/** Milliseconds. */
const CONNECT_WITHIN = 2_000
const SILENCE = 2_000
const LONGEST_PAUSE = 2_000

/** Connects, and goes on trying; resolves when it has or after `patience` ms. */
export async function openRedis(url: string, patience: number, options: ScriptedOptions): Promise<OpenRedis> {
  const client = new Redis(url, {
    lazyConnect: true,
    // What needs no conversation before the first command: a server that is loading refuses it by itself.
    protocol: 2,
    enableReadyCheck: false,
    disableClientInfo: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectTimeout: CONNECT_WITHIN,
    socketTimeout: SILENCE,
    retryStrategy: (attempt) => Math.min(100 * 2 ** Math.min(attempt, 10), LONGEST_PAUSE),
  })
  // Why there is no connection: told to whoever asks, of whom ioredis only says that he cannot write.
  let trouble: unknown
  client.on('error', (error) => {
    trouble = error
  })
  client.on('close', () => {
    trouble ??= Object.assign(new Error('The connection was closed.'), { code: 'disconnected' })
  })
  client.on('ready', () => {
    trouble = undefined
  })
  await inTime(patience, () => client.connect()).catch(() => {}) // it goes on trying
  const explain = (error: unknown) => {
    throw trouble ?? error
  }
  /** Commands of one turn of the event loop leave in one write: no reply could be heard before its end. */
  const together = () => {
    const { stream } = client
    if (!stream || stream.writableCorked > 0) return
    stream.cork()
    setImmediate(() => stream.uncork())
  }
  const runner: ScriptRunner = {
    evalsha: (digest, keys, args) => client.evalsha(digest, keys.length, ...keys, ...args).catch(explain),
    eval: (script, keys, args) => client.eval(script, keys.length, ...keys, ...args).catch(explain),
  }
  const bindings = storedBindings({
    mget(keys) {
      together()
      return client.mget(...keys).catch(explain)
    },
    eval(script, keys, args) {
      together()
      return runner.eval(script, keys, args)
    },
  })
  return { limits: scriptedLimits(runner, options, byTurns()), bindings, close: () => client.disconnect() }
}

/** For so many milliseconds a settlement waits for company: whoever made room may wait a little, but not for long. */
const MOMENT = 2

/**
 * What is waited for goes with all that is asked for in its turn of the event loop; what is not, with the next that is,
 * or after a moment. Under load that is one command for what two calls or more ask, and nearly all of what asking a
 * Redis costs is its command's.
 */
function byTurns(): Soon {
  let [thisTurn, later] = [false, false]
  return (send, isWaitedFor) => {
    if (thisTurn) return
    if (isWaitedFor) {
      thisTurn = true
      setImmediate(() => {
        thisTurn = false
        send()
      })
    } else if (!later) {
      later = true
      setTimeout(() => {
        later = false
        send()
      }, MOMENT)
    }
  }
}
