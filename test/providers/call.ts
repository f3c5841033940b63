/** Calls for tests, made the way requests make them. */
import { LIMITS } from '../../src/config.ts'
import { read } from '../../src/gateway/read.ts'
import { route } from '../../src/gateway/route.ts'
import type { Call } from '../../src/protocol/messages.ts'
import type { Route } from '../../src/providers/provider.ts'
import { ANYONE, testRuntime } from '../runtime.ts'

interface Said {
  headers?: Record<string, string>
  signal?: AbortSignal
}

/** A call with this body: text as it stands, anything else as JSON. */
export function callOf(body: unknown, { headers = {}, signal }: Said = {}): Promise<Call> {
  const request = new Request('http://gateway.test/v1/messages', {
    method: 'POST',
    headers,
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...(signal ? { signal } : {}),
  })
  return read(request, { id: 'req_test', startedAt: Date.UTC(2026, 10, 20) }, { limits: LIMITS })
}

/** Where a call for this model goes. */
export async function routeTo(model: string): Promise<Route> {
  const {
    routes: [first],
  } = await route(testRuntime(), ANYONE, await callOf({ model, messages: [] }))
  return first
}
