/**
 * `npm run demo`: the gateway on the built-in fake Bedrock, for trying it with no AWS account. It forgets everything
 * when it stops, so every start is a first start.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startFakeBedrock } from './fakes/bedrock.ts'

const fake = await startFakeBedrock({ pace: 15 })
const folder = mkdtempSync(join(tmpdir(), 'outcrop-demo-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

Object.assign(process.env, {
  DATA_DIR: folder,
  DATABASE_URL: '',
  AWS_REGION: fake.region,
  AWS_ACCESS_KEY_ID: fake.credentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: fake.credentials.secretAccessKey,
  AWS_SESSION_TOKEN: '',
  AWS_BEARER_TOKEN_BEDROCK: '',
  AWS_ENDPOINT_URL_BEDROCK_RUNTIME: fake.url,
  AWS_ENDPOINT_URL_BEDROCK: fake.url,
})
process.stdout.write(
  'A demo: a fake Bedrock on this machine answers. Nothing is sent to AWS, nothing is kept.\n',
)
await import('../src/node.ts')
