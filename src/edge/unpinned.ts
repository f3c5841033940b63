/**
 * The guarded fetch where a runtime has nothing but `fetch`, as Workers do: it resolves names itself and does not say
 * to what. There, the platform's own refusal to reach private networks is the second fence.
 * https://developers.cloudflare.com/workers/runtime-apis/fetch/
 */
import type { UnpinnedEgress } from '../egress.ts'

export function unpinnedEgress(send: typeof fetch, loopback: boolean): UnpinnedEgress {
  return {
    pins: false,
    loopback,
    async send({ url, method, headers, body, signal }) {
      const { href } = url
      return await send(href, { method, headers, body: body ?? null, signal, redirect: 'manual' })
    },
  }
}
