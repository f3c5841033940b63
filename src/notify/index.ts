/** Every kind of channel there is, by the name its rows carry. */
import type { Channel } from './channel.ts'
import { email } from './email.ts'
import { eventbridge } from './eventbridge.ts'
import { slack } from './slack.ts'
import { sns } from './sns.ts'
import { webhook } from './webhook.ts'

export const channelKinds: Readonly<Record<string, Channel>> = { email, eventbridge, slack, sns, webhook }
