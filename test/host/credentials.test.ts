import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { loadCredentials } from '../../src/host/credentials.ts'
import { sendBy } from '../../src/protocol/send.ts'
import { fakeGoogle } from '../fakes/google.ts'

const now = () => Date.UTC(2026, 10, 20, 12)
const VERTEX = { UPSTREAM: 'vertex', ANTHROPIC_VERTEX_PROJECT_ID: 'some-project' }
const USER = JSON.stringify({
  type: 'authorized_user',
  client_id: 'c',
  client_secret: 's',
  refresh_token: 'refresh',
})

function loaded(env: Record<string, string>) {
  const { fetch } = fakeGoogle({ now })
  const config = readConfig(env)
  const [provider = 'bedrock'] = config.upstreams
  return loadCredentials(provider, { CLOUDSDK_CONFIG: '/nowhere', ...env }, config, {
    fetch: sendBy(fetch),
    now,
  })
}

test.each([
  [{ UPSTREAM: 'anthropic', ANTHROPIC_API_KEY: 'key-a' }, 'key-a'],
  [{ AWS_BEARER_TOKEN_BEDROCK: 'key-b', ANTHROPIC_AWS_API_KEY: 'key-c' }, 'key-b'],
  [
    {
      BEDROCK_WIRE: 'platform',
      ANTHROPIC_AWS_WORKSPACE_ID: 'w',
      AWS_BEARER_TOKEN_BEDROCK: 'key-b',
      ANTHROPIC_AWS_API_KEY: 'key-c',
    },
    'key-c',
  ],
  [VERTEX, 'machine-1'],
  [{ ...VERTEX, GOOGLE_APPLICATION_CREDENTIALS: ` ${USER}` }, 'refreshed-1'],
])('%j gives %s', async (env, bearer) => {
  expect(await loaded(env)).toMatchObject({ bearer })
})

test('a file of Google credentials is read where the environment names it, or gcloud left it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'outcrop-'))
  const path = join(folder, 'application_default_credentials.json')
  await writeFile(path, USER)
  for (const env of [{ GOOGLE_APPLICATION_CREDENTIALS: path }, { CLOUDSDK_CONFIG: folder }]) {
    expect(await loaded({ ...VERTEX, ...env })).toMatchObject({ bearer: 'refreshed-1' })
  }
  await rm(folder, { recursive: true })
})

test('a file that is not there is named by its variable', async () => {
  await expect(loaded({ ...VERTEX, GOOGLE_APPLICATION_CREDENTIALS: '/nowhere' })).rejects.toMatchObject({
    type: 'api_error',
    message: expect.stringContaining('GOOGLE_APPLICATION_CREDENTIALS'),
  })
})
