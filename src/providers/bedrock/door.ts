/** How AWS lets a request in: signed for the wire it goes by. */
import { sign } from '../../aws.ts'
import type { Call } from '../../protocol/messages.ts'
import type { Door } from '../ask.ts'
import type { Lent, Route } from '../provider.ts'
import { refusedBy } from './errors.ts'
import { formOf } from './wires.ts'

export function doorFor(
  { model }: Call,
  { upstream: { region, wire, headers: always } }: Route,
  lent: Lent,
): Door {
  const { service, upstream, account } = formOf(wire)
  return {
    about: { model, upstream, account },
    headersFor: ({ url, headers, body }, credentials) =>
      sign(
        { method: 'POST', url, headers: { ...headers, ...always }, body, service, region, now: lent.now() },
        credentials,
        lent.hashes,
      ),
    refusedBy,
  }
}
