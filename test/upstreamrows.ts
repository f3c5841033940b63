/** Upstreams as admins set them up, for tests: a row, with its secrets sealed as the gateway seals them. */
import type { UpstreamRow } from '../src/data/upstreams.ts'
import { PURPOSE } from '../src/gateway/routing/credentials.ts'
import { sealSettings } from '../src/gateway/settings.ts'
import type { Settings } from '../src/protocol/settings.ts'
import type { FakeBedrock } from './fakes/bedrock.ts'
import type { TestRuntime } from './runtime.ts'

export interface UpstreamWish extends Partial<Omit<UpstreamRow, 'secrets'>> {
  id: string
  secrets?: Settings
}

/** Adds it to those of the runtime. */
export async function addUpstream(
  runtime: TestRuntime,
  { secrets, ...wish }: UpstreamWish,
): Promise<UpstreamRow> {
  const row: UpstreamRow = {
    kind: 'bedrock',
    name: wish.id,
    region: 'us-east-1',
    transport: 'auto',
    settings: {},
    secrets: secrets ? await sealSettings(runtime, PURPOSE, wish.id, secrets) : null,
    priority: 0,
    weight: 1,
    enabled: true,
    createdAt: new Date(runtime.now()),
    archivedAt: null,
    ...wish,
  }
  runtime.upstreams.push(row)
  return row
}

/** A Bedrock upstream at a fake: the runtime is to have EGRESS_ALLOW_LOOPBACK. */
export function atFake(bedrock: FakeBedrock, id: string, more: Partial<UpstreamWish> = {}): UpstreamWish {
  const { accessKeyId, secretAccessKey, sessionToken } = bedrock.credentials
  return {
    id,
    region: bedrock.region,
    settings: { credentials: 'keys', accessKeyId, endpoint: bedrock.url, controlEndpoint: bedrock.url },
    secrets: { secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
    ...more,
  }
}
