/**
 * Delivers notices, each at least once: who dies between the other side's answer and the note of it delivers again, with
 * the same id. What fails is tried again, ever more rarely, for a day; what fails then is dead until somebody asks for it.
 */
import { signedPost } from '../aws.ts'
import type { ChannelRow } from '../data/channels.ts'
import type { Claim } from '../data/deliveries.ts'
import { egressFetch } from '../egress.ts'
import { GatewayError } from '../errors.ts'
import { type AwsRequest, ChannelError, type Lent, type Message } from '../notify/channel.ts'
import { channelKinds } from '../notify/index.ts'
import { codeOf } from '../protocol/codes.ts'
import { within } from '../protocol/deadline.ts'
import type { Answer } from '../protocol/send.ts'
import type { Settings } from '../protocol/settings.ts'
import type { Runtime } from '../runtime.ts'
import { messageOf } from './notices.ts'
import { openSettings } from './settings.ts'

export const PURPOSE = 'channel settings'

/** Milliseconds. An attempt is over before its lease is. */
const TIMEOUT = 10_000
const LEASE = 60_000
/** A round begins nothing new after that: the next minute has one of its own. */
const ROUND = 40_000

/** What could not be delivered for so long is no news. */
export const STALE = 604_800_000

/** Doubling, with as much chance in it as spreads what failed together: twenty attempts in about a day. */
const FIRST_PAUSE = 30_000
const LONGEST_PAUSE = 7_200_000
const MOST_ATTEMPTS = 20

/** Delivers what is due, until nothing is or the round is over. Other replicas may do so at the same time. */
export async function deliverDue(runtime: Runtime): Promise<void> {
  const { deliveries, channels } = runtime.data
  const due = await deliveries.due()
  if (due.length === 0) return
  const over = runtime.now() + ROUND
  const isOver = () => runtime.now() >= over || runtime.stopping?.hasBegun() === true
  // Side by side: one that hangs holds up its own alone.
  const turns = (await channels.byIds(due)).map((channel) => deliverThrough(runtime, channel, isOver))
  await Promise.all(turns)
}

/** One after the other, until one fails: the channel then rests for the round. */
async function deliverThrough(runtime: Runtime, channel: ChannelRow, isOver: () => boolean): Promise<void> {
  const { deliveries, notices } = runtime.data
  while (!isOver()) {
    const claim = await deliveries.claim(channel.id, LEASE)
    if (!claim) return
    const notice = await notices.byId(claim.noticeId)
    const failure = notice ? await attempt(runtime, channel, messageOf(notice)) : new ChannelError('gone')
    if (failure) return note(runtime, channel, claim, failure)
    await deliveries.delivered(claim)
    runtime.metrics.count('outcrop_deliveries_total', { channel: channel.kind, outcome: 'delivered' })
  }
}

async function note(
  { data, log, metrics }: Runtime,
  { id, kind }: ChannelRow,
  claim: Claim,
  failure: ChannelError,
): Promise<void> {
  const isLast = claim.attempts >= MOST_ATTEMPTS
  log(isLast ? 'error' : 'warn', isLast ? 'a notice was given up' : 'a notice was not delivered', {
    notice: claim.noticeId,
    channel: id,
    kind,
    problem: failure.problem,
    attempts: claim.attempts,
  })
  metrics.count('outcrop_deliveries_total', { channel: kind, outcome: isLast ? 'dead' : 'failed' })
  await data.deliveries.failed(
    claim,
    failure.problem,
    isLast ? undefined : pauseAfter(claim.attempts, failure),
  )
}

/** In milliseconds; what the other side wishes counts as far as it is reasonable. */
export function pauseAfter(
  attempts: number,
  { retryAfter = 0 }: { retryAfter?: number | undefined } = {},
): number {
  const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempts - 1))
  return Math.max(Math.min(LONGEST_PAUSE, retryAfter * 1_000), pause * (0.8 + 0.4 * Math.random()))
}

/** Sends a message through a channel, once; why it failed, if it did. Never rejects. */
export async function attempt(
  runtime: Runtime,
  row: ChannelRow,
  message: Message,
): Promise<ChannelError | undefined> {
  const channel = channelKinds[row.kind]
  const late = () => new ChannelError('timeout')
  try {
    if (!channel) throw new ChannelError('unknown_kind')
    const settings = await settingsOf(runtime, row)
    await within({ timeout: TIMEOUT, signal: undefined, late, left: late }, (signal) =>
      channel.deliver(message, settings, lentBy(runtime, signal)),
    )
    return undefined
  } catch (error) {
    if (error instanceof ChannelError) return error
    runtime.log('error', 'a channel failed', {
      channel: row.id,
      kind: row.kind,
      code: codeOf(error) || 'unknown',
    })
    return new ChannelError('internal', { cause: error })
  }
}

/** @throws ChannelError for secrets sealed under a SECRET_KEY that is no longer one of the keys. */
async function settingsOf(runtime: Runtime, { id, settings, secrets }: ChannelRow): Promise<Settings> {
  if (secrets === null) return settings
  const opened = await openSettings(runtime, PURPOSE, id, secrets)
  if (!opened) throw new ChannelError('sealed_with_another_key')
  return { ...settings, ...opened }
}

/** Of what the other side answers nothing is used: it is let in to see that it ends. */
const MAX_BYTES = 1_000_000

function lentBy(runtime: Runtime, signal: AbortSignal): Lent {
  const { egress, config, hashes, now } = runtime
  const bounds = { timeout: TIMEOUT, maxBytes: MAX_BYTES, trusted: config.egress.trusted }
  return {
    fetch: egressFetch(egress, bounds),
    aws: (request, until) => askAws(runtime, request, until),
    hashes,
    signal,
    now,
  }
}

/** A refusal of the credentials has them read anew for the next attempt. */
async function askAws(runtime: Runtime, request: AwsRequest, signal: AbortSignal): Promise<Answer> {
  const { config, credentials, hashes, now, fetch } = runtime
  const keys = await credentials.aws.get().catch((cause: unknown) => {
    throw cause instanceof GatewayError ? new ChannelError('no_credentials', { cause }) : cause
  })
  if ('bearer' in keys) throw new ChannelError('no_credentials')
  const endpoints = { overrides: config.aws.endpoints, fips: config.aws.fips }
  const { url, headers } = await signedPost({ ...request, now: now() }, keys, endpoints, hashes)
  const answer = await fetch(url, { method: 'POST', headers, body: request.body, signal, redirect: 'manual' })
  if (answer.status === 401 || answer.status === 403) credentials.aws.reject(keys)
  return answer
}
