/** Static files as Workers keep them: beside the Worker, behind a binding. https://developers.cloudflare.com/workers/static-assets/binding/ */
import type { Runtime } from '../runtime.ts'
import type { Bindings } from './bindings.ts'

export function assetsFrom({ ASSETS }: Bindings): Runtime['assets'] {
  if (!ASSETS) return undefined
  return async (request) => {
    const answer = await ASSETS.fetch(
      new Request(request.url, { method: request.method, headers: request.headers }),
    )
    if (answer.status !== 404) return answer
    await answer.body?.cancel()
    return undefined
  }
}
