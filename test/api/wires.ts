/** The wires beside InvokeModel, each with what leads there. */
import type { Door } from '../fakes/messages.ts'

export interface Wire {
  door: Door
  env: (url: string) => Record<string, string>
  /** What the client asks for, and what the upstream is asked for. */
  ids: [asked: string, sent: string][]
  /** AWS signs; the others show a secret. */
  signs: boolean
}

export const WIRES: readonly Wire[] = [
  {
    door: 'runtime',
    env: (url) => ({ BEDROCK_WIRE: 'messages', AWS_ENDPOINT_URL_BEDROCK_RUNTIME: url }),
    ids: [
      ['claude-opus-5-5', 'us.anthropic.claude-opus-5-5'],
      ['claude-opus-5-5[1m]', 'us.anthropic.claude-opus-5-5'],
      ['global.anthropic.claude-sonnet-5-5', 'global.anthropic.claude-sonnet-5-5'],
      ['claude-haiku-4-5', 'us.anthropic.claude-haiku-4-5-20251001-v1:0'],
    ],
    signs: true,
  },
  {
    door: 'mantle',
    env: (url) => ({ BEDROCK_WIRE: 'mantle', AWS_ENDPOINT_URL_BEDROCK_MANTLE: `${url}/` }),
    ids: [
      ['claude-opus-5-5', 'anthropic.claude-opus-5-5'],
      ['claude-opus-5', 'anthropic.claude-opus-5'],
      ['claude-haiku-4-5-20251001', 'anthropic.claude-haiku-4-5'],
      ['anthropic.claude-haiku-4-5', 'anthropic.claude-haiku-4-5'],
      ['us.anthropic.claude-haiku-4-5-20251001-v1:0', 'anthropic.claude-haiku-4-5'],
    ],
    signs: true,
  },
  {
    door: 'platform',
    env: (url) => ({
      BEDROCK_WIRE: 'platform',
      ANTHROPIC_AWS_BASE_URL: url,
      ANTHROPIC_AWS_WORKSPACE_ID: 'wrkspc_test',
    }),
    ids: [
      ['claude-opus-5-5', 'claude-opus-5-5'],
      ['claude-haiku-4-5', 'claude-haiku-4-5'],
      ['claude-opus-4-6-20260205', 'claude-opus-4-6'],
      ['anthropic.claude-haiku-4-5-20251001-v1:0', 'claude-haiku-4-5-20251001'],
    ],
    signs: true,
  },
  {
    door: 'anthropic',
    env: (url) => ({ UPSTREAM: 'anthropic', ANTHROPIC_API_KEY: 'not-a-secret', ANTHROPIC_UPSTREAM_URL: url }),
    ids: [
      ['claude-opus-5-5', 'claude-opus-5-5'],
      ['claude-opus-5-5[1m]', 'claude-opus-5-5'],
      ['claude-sonnet-4-5-20250929', 'claude-sonnet-4-5-20250929'],
    ],
    signs: false,
  },
  {
    door: 'vertex',
    env: (url) => ({
      UPSTREAM: 'vertex',
      ANTHROPIC_VERTEX_PROJECT_ID: 'some-project',
      ANTHROPIC_VERTEX_BASE_URL: `${url}/v1`,
    }),
    ids: [
      ['claude-opus-5-5', 'claude-opus-5-5'],
      ['claude-haiku-4-5', 'claude-haiku-4-5@20251001'],
      ['claude-sonnet-4-5@20250929', 'claude-sonnet-4-5@20250929'],
    ],
    signs: false,
  },
]
