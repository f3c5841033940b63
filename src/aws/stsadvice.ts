/**
 * What to do about a refusal of STS, for whoever runs the gateway.
 * https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
 */
import type { Federated } from './role.ts'

interface Refusal {
  action: string
  code: string
  message: string
}

type Advice = (role: Federated) => string

const LONGEST = 300

/** Each for a code of AWS, and where one code means several things, for what was asked or its message. */
const ADVICE: readonly { code: RegExp; action?: string; message?: RegExp; says: Advice }[] = [
  {
    code: /^AccessDenied/,
    message: /sts:TagSession/,
    says: (role) =>
      `The session of ${role.arn} may not be tagged. Allow sts:TagSession beside sts:AssumeRole in the trust policy of ` +
      'the role, and to whom the gateway is, or leave sessionTags empty.',
  },
  {
    code: /^AccessDenied/,
    action: 'AssumeRoleWithWebIdentity',
    says: (role) =>
      `${role.arn} may not be taken on with this token. Its trust policy must allow sts:AssumeRoleWithWebIdentity to the ` +
      "identity provider, with conditions that fit the token's audience and subject.",
  },
  {
    code: /^AccessDenied/,
    says: (role) =>
      `${role.arn} may not be taken on. Its trust policy must allow sts:AssumeRole to whom the gateway is, with the same ` +
      'external id if it asks for one; in another account, what the gateway itself may do must allow it too.',
  },
  {
    code: /^(ExpiredToken|IDPRejectedClaim|InvalidIdentityToken)/,
    action: 'AssumeRoleWithWebIdentity',
    says: (role) =>
      `The token that is shown for ${role.arn} has expired or was refused. Give it a fresh one with ` +
      'PATCH /admin/upstreams, or see to it that its file is renewed; issuer and audience must be those of the ' +
      'identity provider in IAM.',
  },
  {
    code: /^ExpiredToken/,
    says: () => 'The keys that the role is taken on with have expired. Give this upstream keys that last.',
  },
  {
    code: /^(InvalidClientTokenId|UnrecognizedClient|SignatureDoesNotMatch|InvalidSignature|AuthFailure)/,
    says: () =>
      'The keys that the role is taken on with are not known to AWS, or their secret is wrong. Set them anew, and see ' +
      "that the gateway's clock is right.",
  },
  {
    code: /^RegionDisabled/,
    says: (role) =>
      `STS is not enabled in ${role.region} for the account of ${role.arn}. Enable the region in its account ` +
      'settings of IAM, or choose another region.',
  },
  {
    code: /^PackedPolicyTooLarge/,
    says: () =>
      'The session tags are too much for AWS, all in all. Leave some of them out of sessionTags, or shorten their values.',
  },
  {
    code: /^ValidationError/,
    message: /DurationSeconds|MaxSessionDuration|role chaining/i,
    says: (role) =>
      `${role.arn} does not allow sessions of that length. Raise the maximum session duration of the role or lower ` +
      'durationSeconds; it is 3600 at the most where a role takes on another.',
  },
]

/** Ends with AWS's own words. */
export function adviceOn(refusal: Refusal, role: Federated): string {
  const found = ADVICE.find(
    ({ code, action = refusal.action, message }) =>
      code.test(refusal.code) && action === refusal.action && (message?.test(refusal.message) ?? true),
  )
  const own = `${refusal.code}: ${refusal.message}`.slice(0, LONGEST)
  return found ? `${found.says(role)} (${own})` : `${role.arn}: ${own}`
}
