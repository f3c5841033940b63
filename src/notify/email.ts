/** E-mail through Amazon SES, with the gateway's own credentials. https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html */
import type { Settings } from '../protocol/settings.ts'
import { type Channel, ChannelError, type Lent, type Message } from './channel.ts'
import { askAws } from './post.ts'
import { headline, letter } from './words.ts'

const REGION = /^[a-z]{2,4}(-[a-z]+)+-\d+$/
/** As much as SES takes: a name before it only where that is plain. */
const ADDRESS =
  /^(?:[\w .'-]{1,100} <[^\s<>@,;"]{1,64}@[a-z0-9.-]{3,255}>|[^\s<>@,;"]{1,64}@[a-z0-9.-]{3,255})$/i
const MOST_PEOPLE = 50
const LONGEST_SUBJECT = 150

export const email = {
  kind: 'email',
  label: 'E-mail (Amazon SES)',
  fields: [
    { name: 'region', label: 'Region of SES', required: true, hint: 'us-east-1' },
    { name: 'from', label: 'From', required: true, hint: 'an address, or a domain’s, that SES has verified' },
    { name: 'to', label: 'To', required: true, hint: 'addresses, comma-separated' },
    { name: 'configurationSet', label: 'Configuration set' },
  ],
  wrong({ region = '', from = '', to = '', configurationSet = 'none' }) {
    if (!REGION.test(region)) return { field: 'region', must: 'be an AWS region such as us-east-1' }
    if (!ADDRESS.test(from)) return { field: 'from', must: 'be an e-mail address' }
    const people = addressesIn(to)
    if (people.length > MOST_PEOPLE || !people.every((each) => ADDRESS.test(each)))
      return { field: 'to', must: `be at most ${MOST_PEOPLE} e-mail addresses, comma-separated` }
    if (!/^[\w-]{1,64}$/.test(configurationSet))
      return { field: 'configurationSet', must: 'be the name of a configuration set' }
    return undefined
  },
  deliver,
} satisfies Channel

async function deliver(message: Message, settings: Settings, lent: Lent): Promise<void> {
  const { region = '', from, to = '', configurationSet } = settings
  if (!REGION.test(region)) throw new ChannelError('settings')
  const text = (data: string) => ({ Data: data, Charset: 'UTF-8' })
  const body = JSON.stringify({
    FromEmailAddress: from,
    Destination: { ToAddresses: addressesIn(to) },
    Content: {
      Simple: {
        Subject: text(headline(message, LONGEST_SUBJECT)),
        Body: { Text: text(letter(message)) },
      },
    },
    ...(configurationSet ? { ConfigurationSetName: configurationSet } : {}),
  })
  const headers = { 'content-type': 'application/json' }
  await askAws({ service: 'email', region, path: '/v2/email/outbound-emails', headers, body }, lent)
}

function addressesIn(text: string): string[] {
  return text.split(',').map((each) => each.trim())
}
