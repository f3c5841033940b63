/** A role that is taken on, and what AWS is told of who takes it on. */

/** https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html */
export interface Federated {
  arn: string
  sessionName: string
  /** Of the session, in seconds; undefined is AWS's own choice, an hour. */
  duration: number | undefined
  region: string
  /** Where STS is, with no slash at its end. */
  endpoint: string
}

/** https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html */
export interface AwsRole extends Federated {
  externalId: string | undefined
}

/** A tag of the session: a word of its own, or something of who is calling. */
export interface TagWish {
  name: string
  value: { text: string } | { of: 'team' | 'user' | 'key' }
}
