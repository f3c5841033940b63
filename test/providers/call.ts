/** Calls for tests, made the way requests make them. */
import { LIMITS } from '../../src/config.ts'
import { read } from '../../src/gateway/read.ts'
import type { Call } from '../../src/protocol/messages.ts'

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
  return read(request, { id: 'req_test', startedAt: Date.UTC(2026, 10, 20) }, LIMITS)
}
