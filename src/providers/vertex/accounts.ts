/**
 * Who the gateway is to Google: what a credentials file says, in the forms that Google's own libraries read.
 * https://google.aip.dev/auth/4110 https://google.aip.dev/auth/4117
 */
import { z } from 'zod'
import { credentialTrouble } from '../../aws.ts'

const text = z.string().min(1)

/** Where the proof of another identity comes from. */
const Source = z.object({
  file: text.optional(),
  url: z.url({ protocol: /^https?$/ }).optional(),
  headers: z.record(z.string(), z.string()).optional(),
  format: z.object({ type: z.enum(['text', 'json']), subject_token_field_name: text.optional() }).optional(),
  /** `aws1`: the machine's own AWS credentials. */
  environment_id: z.literal('aws1').optional(),
})

const Account = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('service_account'),
    client_email: text,
    private_key: text,
    private_key_id: text.optional(),
  }),
  z.object({
    type: z.literal('authorized_user'),
    client_id: text,
    client_secret: text,
    refresh_token: text,
  }),
  z.object({
    type: z.literal('external_account'),
    audience: text,
    subject_token_type: text,
    service_account_impersonation_url: text.optional(),
    credential_source: Source,
  }),
])

export type SubjectSource = z.infer<typeof Source>

/** `machine`: the metadata server of the machine that the gateway runs on. */
export type GoogleAccount = z.infer<typeof Account> | { type: 'machine' }
export type ServiceAccount = GoogleAccount & { type: 'service_account' }
export type ExternalAccount = GoogleAccount & { type: 'external_account' }

/** @throws GatewayError api_error naming the field that is wrong, and nothing of what stands in it. */
export function readGoogleAccount(json: string): GoogleAccount {
  const { success, data, error } = Account.safeParse(parsed(json))
  if (success) return data
  const field = error.issues[0]?.path.join('.') || 'its form'
  throw credentialTrouble(`The gateway's Google credentials cannot be used: ${field} is not as it must be.`)
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    throw credentialTrouble("The gateway's Google credentials cannot be used: they are not JSON.")
  }
}
