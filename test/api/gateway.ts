/** The app on a fake Bedrock, over the real network stack. */

import { app } from '../../src/app.ts'
import { keptCredentials } from '../../src/aws.ts'
import { sendBy } from '../../src/protocol/send.ts'
import type { FakeBedrock } from '../fakes/bedrock.ts'
import { keyIn, type TestRuntime, testRuntime } from '../runtime.ts'

export interface TestGateway {
  runtime: TestRuntime
  headers: { 'x-api-key': string }
  post(body: unknown, more?: { path?: string; headers?: Record<string, string> }): Promise<Response>
}

/** A gateway on this Bedrock; text is sent as it stands, anything else as JSON. */
export async function gatewayOn(
  bedrock: FakeBedrock,
  changes: Parameters<typeof testRuntime>[0] = {},
): Promise<TestGateway> {
  const { env, ...rest } = changes
  const runtime = testRuntime({
    fetch: sendBy(fetch),
    now: Date.now,
    credentials: keptCredentials(async () => ({ ...bedrock.credentials }), Date.now),
    env: { AWS_ENDPOINT_URL_BEDROCK_RUNTIME: bedrock.url, AWS_ENDPOINT_URL_BEDROCK: bedrock.url, ...env },
    ...rest,
  })
  const { headers } = await keyIn(runtime)
  return {
    runtime,
    headers,
    post: async (body, more = {}) =>
      app.request(
        more.path ?? '/v1/messages?beta=true',
        {
          method: 'POST',
          headers: { ...headers, ...more.headers },
          body: typeof body === 'string' ? body : JSON.stringify(body),
        },
        runtime,
      ),
  }
}
