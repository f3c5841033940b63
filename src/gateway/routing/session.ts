/** Whose session it is at AWS: tags, after which AWS can divide its bill. */

import type { TagWish } from '../../aws/role.ts'
import type { Tag } from '../../aws/sts.ts'
import { credentialTrouble } from '../../aws.ts'
import type { Caller } from './upstreams.ts'

/** The gateway asks for itself, as when it finds out what an account may use. */
const ITSELF = 'gateway'
/** A key without a user, or without a team. */
const NOBODY = 'none'

/** What AWS takes as a value. https://docs.aws.amazon.com/STS/latest/APIReference/API_Tag.html */
const VALUE = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,256}$/u

/** Callers of one session share credentials. */
export function sessionOf(wishes: readonly TagWish[], caller: Caller | undefined): string {
  if (wishes.length === 0) return ''
  return wishes.map((wish) => saidOf(wish, caller)).join('\n')
}

/** @throws GatewayError api_error, rather than a tag that says something else. */
export function tagsOf(wishes: readonly TagWish[], caller: Caller | undefined): Tag[] {
  return wishes.map((wish) => {
    const value = saidOf(wish, caller)
    if (VALUE.test(value)) return { name: wish.name, value }
    throw credentialTrouble(
      `AWS takes no session tag of that value for ${wish.name}: letters, digits, spaces and _.:/=+-@ only.`,
    )
  })
}

function saidOf({ value }: TagWish, caller: Caller | undefined): string {
  if ('text' in value) return value.text
  if (!caller) return ITSELF
  const said = { team: caller.teamId, user: caller.userId, key: caller.keyId }
  return said[value.of] ?? NOBODY
}
