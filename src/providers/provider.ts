/** The contract of a provider: canonical in, canonical out. It is handed what it may use and reaches for nothing. */

import type { CredentialSource } from '../aws.ts'
import type { Config, LimitsConfig } from '../config.ts'
import type { Room } from '../protocol/bytes.ts'
import type { Omissions, Wire } from '../protocol/fields/target.ts'
import type { Check, Findings, Offer, Quota } from '../protocol/findings.ts'
import type { Hashes } from '../protocol/hashes.ts'
import type { Call } from '../protocol/messages.ts'
import type { Model } from '../protocol/models.ts'
import type { Send } from '../protocol/send.ts'
import type { Events } from '../protocol/streams.ts'

/** A configured account, region and credentials to send to. */
export interface Upstream extends Place {
  id: string
  /** Keys that sign, or a secret that is shown: the provider knows which it needs. */
  credentials: CredentialSource
  /** What the account may call; undefined where that is not known: then what is shipped holds. */
  offers?: readonly Offer[] | undefined
  /** Bedrock: application inference profiles of the account, as far as they are known. */
  applications?: readonly Offer[] | undefined
  /** Tokens a minute that the account was found to have. */
  quotas?: readonly Quota[] | undefined
}

/** An upstream without the secrets. */
export interface Place {
  provider: string
  region: string
  /** Upstreams of one account and region share its quotas; without it, an upstream has its own. */
  account?: string | undefined
  /** Which wire form of the Messages API is spoken. */
  wire: Wire
  /** What every path is put after: scheme, host, and what of the path is the account's. */
  endpoint: string
  /** What every request carries beside its own headers. */
  headers?: Readonly<Record<string, string>>
  /** Bedrock: the prefix of the inference profiles that plain names are served by. */
  profile?: string
  /** Bedrock: where inference profiles are looked up. */
  control?: string
  /** Bedrock: the ARN of the application inference profile that a model goes through, by the model's plain name. */
  profiles?: Readonly<Record<string, string>>
}

/** The choice of upstream and model id for a call. */
export interface Route {
  upstream: Upstream
  /** The provider's name for the model: for Bedrock an inference profile, a base id or an ARN. */
  modelId: string
  /** Undefined where an ARN does not say which model it leads to, and for a model that is not known yet. */
  model: Model | undefined
  /** Where the model may run, for its price: the profile's prefix, or `region`. */
  regionClass: string
}

/** What an id of the provider's stands for. */
export interface Resolved {
  model: Model | undefined
  regionClass: string
}

/** What a provider may use. */
export interface Lent {
  fetch: Send
  now(): number
  limits: LimitsConfig
  hashes: Hashes
  room?: Room | undefined
  /** To be called when a request has just left for the upstream. */
  sent(): void
  /** Keys a stable pseudonym: what it is computed from cannot be had back. */
  secret: string
}

/** What more it takes to find out about an account. */
export interface Surveying extends Lent {
  /** Where Service Quotas is, instead of AWS's own place. */
  quotasEndpoint: string | undefined
  entrance: Entrance
}

/** How an upstream is entered, as far as AWS has a permission for it. */
export interface Entrance {
  assumes?: 'sts:AssumeRole' | 'sts:AssumeRoleWithWebIdentity' | undefined
  /** Whether its sessions are tagged. */
  tags: boolean
}

/** What came back: a stream of events, whether or not the client wants one. */
export interface Reply {
  events: Events
  /** Fields and betas of the call that were left out. */
  removed: readonly string[]
}

export interface Provider {
  /**
   * The upstream that the environment describes.
   * @throws GatewayError api_error saying what is missing.
   */
  place(config: Config): Place
  /**
   * Where a model's name leads on an upstream; undefined where it leads nowhere.
   * @throws GatewayError not_found_error where there is more to say about that.
   */
  find(name: string, upstream: Upstream): Route | undefined
  /**
   * What stands behind an id that does not say its model; undefined where that is not to be known. Costs a request.
   * @throws Error where it could not be asked.
   */
  resolve?(modelId: string, upstream: Upstream, lent: Lent): Promise<Resolved | undefined>
  /**
   * Finds out what the account offers, asking for no model: what is undefined could not be had, and what was known of
   * that goes on holding. Never throws for what an account lacks.
   */
  survey?(upstream: Upstream, lent: Surveying, known: Findings | undefined): Promise<Findings>
  /** Tries out, one by one, all that calls and surveys need; in the order in which to mend what is missing. */
  examine?(upstream: Upstream, lent: Surveying): Promise<Check[]>
  /**
   * Sends a call once, with no retry, leaving out what `omit` says.
   * @throws GatewayError for every refusal and failure, in words for the developer.
   */
  send(call: Call, route: Route, lent: Lent, omit: Omissions): Promise<Reply>
  /**
   * Counts the input tokens of a call. Undefined where this provider cannot, for this model.
   * @throws GatewayError when the upstream finds fault with the call itself.
   */
  countTokens?(call: Call, route: Route, lent: Lent): Promise<number | undefined>
}
