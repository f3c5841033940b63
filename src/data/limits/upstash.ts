/**
 * Limits in a Redis over HTTP, by Upstash's client: for runtimes that have fetch and no sockets.
 * https://upstash.com/docs/redis/features/restapi
 */
import { Redis } from '@upstash/redis/cloudflare'
import { storedBindings } from '../bindings/stored.ts'
import type { SharedBindings } from '../bindings.ts'
import { type ScriptedLimits, type ScriptedOptions, scriptedLimits } from './scripted.ts'

/** Milliseconds. Longer than a call waits, so that a first connection comes about and is there for the next. */
const ANSWER_WITHIN = 2_000

interface Place {
  url: string
  token: string
}

export function upstashLimits(place: Place, options: ScriptedOptions): ScriptedLimits {
  return scriptedLimits(clientOf(place), options)
}

export function upstashBindings(place: Place): SharedBindings {
  const client = clientOf(place)
  return storedBindings({
    mget: (keys) => client.mget(keys),
    eval: (script, keys, args) => client.eval(script, keys, args),
  })
}

function clientOf({ url, token }: Place): Redis {
  return new Redis({
    url,
    token,
    enableTelemetry: false,
    // One request a call: on Workers those of different requests must not share one.
    enableAutoPipelining: false,
    automaticDeserialization: false,
    readYourWrites: false,
    responseEncoding: false,
    retry: { retries: 0 }, // `false` is one retry to this client, and would take twice
    // A function: given a plain signal, the client makes an answer of an abort.
    signal: () => AbortSignal.timeout(ANSWER_WITHIN),
  })
}
