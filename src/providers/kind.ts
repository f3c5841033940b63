/**
 * The contract of a kind of upstream: what an admin has to say of one, as data; the place that this makes, and by what
 * credentials it is entered.
 */

import type { AwsRole, Federated, TagWish } from '../aws/role.ts'
import type { AwsKeys } from '../aws.ts'
import type { Field, Settings } from '../protocol/settings.ts'
import type { Privileges } from '../protocol/urls.ts'
import type { Place } from './provider.ts'

/** What was said of an upstream. Of its secrets too, where they are at hand. */
export interface Said {
  /** Empty for a kind that has none. */
  region: string
  transport: string
  settings: Settings
}

/** By what credentials an upstream is entered. */
export type Access =
  /** The gateway's own, as its surroundings have them. */
  | { by: 'own'; of: 'aws' | 'google' }
  | { by: 'keys'; keys: AwsKeys }
  | { by: 'bearer'; bearer: string }
  | { by: 'role'; role: AwsRole; over: AwsKeys | 'own' }
  | { by: 'web-identity'; role: Federated; token: { text: string } | { file: string } }
  /** What is in the JSON file of a service account. */
  | { by: 'google'; account: string }

/** What is wrong, and what it must be: `Input should …`. */
export interface Wrong {
  field: string
  must: string
}

export interface UpstreamKind {
  kind: string
  label: string
  /** Undefined: it has none. */
  region: { hint: string; form: RegExp; must: string } | undefined
  /** Wire forms to choose from; the first is the kind's own choice. */
  transports: readonly string[]
  fields: readonly Field[]
  /** What is wrong with settings that are all there; `open` is where else than to their owners they may lead. */
  wrong(said: Said, open: Privileges): Wrong | undefined
  /** What AWS is to be told of who calls, in their session. */
  tags?(settings: Settings): readonly TagWish[]
  /** @throws GatewayError api_error for settings that may no longer be used. */
  place(said: Said, open: Privileges): Place
  /** `sts` is where it is instead, for all. @throws GatewayError api_error for settings that cannot be used. */
  access(said: Said, open: Privileges, sts: string | undefined): Access
}
