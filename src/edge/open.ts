/** What a Worker lends the app, and what it does with each kind of event. The twin of host/open.ts. */
import { ConfigError } from '../config.ts'
import { asGatewayError, errorResponse, GatewayError } from '../errors.ts'
import { everyHour, everyMinute } from '../jobs.ts'
import { newId } from '../protocol/ids.ts'
import type { Runtime } from '../runtime.ts'
import type { Batch, Bindings, Context, Tick } from './bindings.ts'
import { type Isolate, openIsolate, plainLog } from './isolate.ts'
import { drain } from './queue.ts'
import { openVisit } from './visit.ts'

export interface Edge {
  fetch(request: Request, bindings: Bindings, context: Context): Promise<Response>
  /** What a cron trigger wants done: the job of the minute, and that of the hour with its first one. */
  byTheClock(event: Tick, bindings: Bindings, context: Context): Promise<void>
  drain(batch: Batch, bindings: Bindings, context: Context): Promise<void>
}

type App = (request: Request, runtime: Runtime) => Response | Promise<Response>

/** Call it once an isolate: what it remembers between requests is in here. */
export function openEdge(app: App): Edge {
  const isolateOf = remembering(openIsolate)

  return {
    async fetch(request, bindings, context) {
      const isolate = isolateOf(bindings)
      if (isolate instanceof ConfigError) return misconfigured(isolate)
      // Cloudflare writes this header itself, over whatever a caller says.
      const clientAddress = request.headers.get('cf-connecting-ip') ?? undefined
      const visit = openVisit(isolate, bindings, context, { overflow: true, clientAddress })
      const answer = isolate.schema
        .pass(visit.database)
        .then(() => app(request, visit.runtime))
        .catch((error: unknown) => refusal(error, isolate))
      // Before anything is waited for: what is not registered ends with the caller's patience.
      visit.until(answer)
      return answer
    },
    async byTheClock(event, bindings, context) {
      const { runtime, until } = opened(bindings, context)
      const work = everyMinute(runtime).then(() => (isHourly(event) ? everyHour(runtime) : undefined))
      until(work)
      await work
    },
    async drain(batch, bindings, context) {
      const { runtime, until } = opened(bindings, context)
      const work = drain(runtime, batch)
      until(work)
      await work
    },
  }

  /** @throws ConfigError, for the platform to report: nobody waits for an answer. */
  function opened(bindings: Bindings, context: Context) {
    const isolate = isolateOf(bindings)
    if (!(isolate instanceof ConfigError)) return openVisit(isolate, bindings, context, { overflow: false })
    complain(isolate)
    throw isolate
  }
}

/** A trigger that comes more rarely than each minute, as whoever deploys may have it, wants everything done. */
function isHourly({ cron, scheduledTime }: Tick): boolean {
  return cron !== EACH_MINUTE || new Date(scheduledTime).getUTCMinutes() === 0
}

const EACH_MINUTE = '* * * * *'

/** Configuration is the same for every request of an isolate, and so is what is wrong with it. */
function remembering(open: (bindings: Bindings) => Isolate) {
  let known: Isolate | ConfigError | undefined
  return (bindings: Bindings): Isolate | ConfigError => {
    try {
      known ??= open(bindings)
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      known = error
    }
    return known
  }
}

/** The sentences of a ConfigError name variables and what they must be, never what they are. */
function misconfigured(error: ConfigError): Response {
  complain(error)
  return errorResponse(
    new GatewayError('api_error', `The gateway is not configured. ${error.message}`, { retry: false }),
    newId('req', Date.now()),
  )
}

function complain(error: ConfigError) {
  plainLog('error', `The gateway is not configured. ${error.message}`)
}

/** What the app itself did not answer: mostly the schema, which has been logged. */
function refusal(error: unknown, { now }: Isolate): Response {
  return errorResponse(asGatewayError(error), newId('req', now()))
}
