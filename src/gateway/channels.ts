/** Channels: a draft is tested, and what came through its test may be activated. */
import type { ChannelRow } from '../data/channels.ts'
import { GatewayError } from '../errors.ts'
import type { Channel } from '../notify/channel.ts'
import { channelKinds } from '../notify/index.ts'
import { newId } from '../protocol/ids.ts'
import type { Settings } from '../protocol/settings.ts'
import type { Runtime } from '../runtime.ts'
import { attempt, PURPOSE } from './deliver.ts'
import { openSettings, partedSettings, sealSettings, wrongSetting } from './settings.ts'

/** Every notice goes to each of them at the most. */
const MOST_CHANNELS = 100

export interface ChannelWish {
  kind: string
  name: string
  settings: Settings
  kinds?: string[] | null | undefined
  teams?: string[] | null | undefined
}

/**
 * A new draft, not yet stored.
 * @throws GatewayError invalid_request_error naming the setting.
 */
export async function draftChannel(runtime: Runtime, wish: ChannelWish): Promise<ChannelRow> {
  const kinds = Object.keys(channelKinds)
  if (!kinds.includes(wish.kind)) throw invalid(`kind: Input should be one of ${kinds.join(', ')}`)
  if ((await runtime.data.channels.count()) >= MOST_CHANNELS)
    throw invalid(`There are ${MOST_CHANNELS} channels, which is as many as there may be.`)
  const now = runtime.now()
  const id = newId('channel', now)
  return {
    id,
    kind: wish.kind,
    name: wish.name,
    ...(await checkedSettings(runtime, { id, kind: wish.kind }, wish.settings)),
    state: 'draft',
    testedAt: null,
    kinds: wish.kinds ?? null,
    teams: wish.teams ?? null,
    createdAt: new Date(now),
    archivedAt: null,
  }
}

/**
 * Settings as they are stored. Of a channel that has some, a secret that is not said stays as it is.
 * @throws GatewayError invalid_request_error naming the setting.
 */
export async function checkedSettings(
  runtime: Runtime,
  { id, kind, secrets = null }: Pick<ChannelRow, 'id' | 'kind'> & Partial<ChannelRow>,
  said: Settings,
): Promise<Pick<ChannelRow, 'settings' | 'secrets'>> {
  const channel = kindOf(kind)
  const kept = secrets === null ? {} : ((await openSettings(runtime, PURPOSE, id, secrets)) ?? {})
  const { open, secret } = partedSettings(channel, said, kept)
  const wrong = channel.wrong({ ...open, ...secret })
  if (wrong) throw wrongSetting(wrong.field, `Input should ${wrong.must}`)
  const sealed = Object.keys(secret).length > 0 ? await sealSettings(runtime, PURPOSE, id, secret) : null
  return { settings: open, secrets: sealed }
}

/** What came of a test: `problem` is a word such as `http_404`, undefined where it came through. */
export interface Tried {
  noticeId: string
  problem: string | undefined
}

/** Sends a notice of kind `test` through it, at once, and notes what came of it: a pass makes it fit to be activated. */
export async function testChannel(runtime: Runtime, channel: ChannelRow): Promise<Tried> {
  const now = runtime.now()
  const id = newId('notice', now)
  const notice = {
    id,
    kind: 'test',
    severity: 'info',
    subject: `test:${channel.id}:${id}`,
    teamId: null,
    sentence: `This is a test of the channel '${channel.name}': notices will look like this.`,
    detail: { channel: channel.id },
  } as const
  const createdAt = new Date(now).toISOString()
  const failure = await attempt(runtime, channel, { ...notice, team: null, createdAt })
  const problem = failure?.problem
  await runtime.data.notices.record(notice, channel.id, problem)
  if (problem === undefined) await runtime.data.channels.passed(channel, new Date(now))
  return { noticeId: id, problem }
}

function kindOf(kind: string): Channel {
  const channel = Object.hasOwn(channelKinds, kind) ? channelKinds[kind] : undefined
  if (!channel) throw new Error(`there is no kind of channel '${kind}'`)
  return channel
}

function invalid(sentence: string): GatewayError {
  return new GatewayError('invalid_request_error', sentence)
}
