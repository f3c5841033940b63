/** What a workspace of Claude Platform on AWS has, as its own API lists it. */
import type { Offer } from '../../protocol/findings.ts'
import { listedModels } from '../listing.ts'
import type { Lent, Upstream } from '../provider.ts'
import { question } from './control.ts'
import { formOf } from './wires.ts'

/** @throws as `question` does. */
export function platformModels(asker: { upstream: Upstream; lent: Lent }): Promise<Offer[]> {
  const { endpoint, wire, headers = {} } = asker.upstream
  const { service } = formOf(wire)
  return listedModels((path) =>
    question(
      {
        method: 'GET',
        url: `${endpoint}${path}`,
        service,
        headers: { ...headers, 'anthropic-version': '2023-06-01' },
      },
      asker,
    ),
  )
}
