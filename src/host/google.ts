/**
 * Google's application default credentials: the file that the environment names, the one that `gcloud` leaves in a home,
 * else the machine itself. https://cloud.google.com/docs/authentication/application-default-credentials
 */

import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { type Credentials, credentialTrouble } from '../aws.ts'
import type { Send } from '../protocol/send.ts'
import { type GoogleAccount, readGoogleAccount } from '../providers/vertex/accounts.ts'
import { googleToken } from '../providers/vertex/token.ts'

type Environment = Record<string, string | undefined>

interface Lent {
  fetch: Send
  now(): number
  /** The machine's own, where Google is to know it by these. */
  awsCredentials(): Promise<Credentials>
}

export async function loadGoogleToken(
  env: Environment,
  { awsCredentials, ...lent }: Lent,
): Promise<Credentials> {
  const region = env['AWS_REGION'] || env['AWS_DEFAULT_REGION']
  const aws = region && { region, credentials: { get: awsCredentials, reject() {} } }
  return googleToken(await accountIn(env), {
    ...lent,
    readFile: (path) => readFile(path, 'utf8'),
    ...(aws ? { aws } : {}),
  })
}

async function accountIn(env: Environment): Promise<GoogleAccount> {
  // Where there is no good place for a file, the variable may hold what would be in it.
  const named = env['GOOGLE_APPLICATION_CREDENTIALS']
  if (named?.trimStart().startsWith('{')) return readGoogleAccount(named)
  if (named) {
    return readGoogleAccount(
      await readFile(named, 'utf8').catch((cause: unknown) => {
        throw credentialTrouble('The file that GOOGLE_APPLICATION_CREDENTIALS names cannot be read.', cause)
      }),
    )
  }
  const folder = env['CLOUDSDK_CONFIG'] || join(homedir(), '.config', 'gcloud')
  const left = await readFile(join(folder, 'application_default_credentials.json'), 'utf8').catch(
    () => undefined,
  )
  return left === undefined ? { type: 'machine' } : readGoogleAccount(left)
}
