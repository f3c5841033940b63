/** Where Google has Claude, and Vertex AI as an admin sets it up. https://docs.claude.com/en/api/claude-on-vertex-ai */
import type { Privileges } from '../../protocol/urls.ts'
import { address, elsewhereWrong } from '../elsewhere.ts'
import type { Said, UpstreamKind, Wrong } from '../kind.ts'
import type { Place } from '../provider.ts'
import { readGoogleAccount } from './accounts.ts'

export function placeAt(project: string, region: string, api: string): Place {
  return {
    provider: 'vertex',
    wire: 'vertex',
    region,
    endpoint: `${api}/projects/${project}/locations/${region}/publishers/anthropic/models`,
  }
}

/** `global`, a multi-region such as `eu`, or a region such as `us-east5`. */
export function usualApi(region: string): string {
  return `https://${hostOf(region)}/v1`
}

function hostOf(region: string): string {
  if (region === 'global') return 'aiplatform.googleapis.com'
  return region.includes('-')
    ? `${region}-aiplatform.googleapis.com`
    : `aiplatform.${region}.rep.googleapis.com`
}

export const vertexKind = {
  kind: 'vertex',
  label: 'Google Vertex AI',
  region: {
    hint: 'global, eu or europe-west1',
    form: /^[a-z]+(-[a-z]+\d+)?$/,
    must: 'be global, us, eu or a Google Cloud region',
  },
  transports: ['auto'],
  fields: [
    { name: 'project', label: 'Project', required: true, hint: 'my-project' },
    {
      name: 'serviceAccount',
      label: 'Key of a service account, as JSON',
      secret: true,
      hint: 'without it, the credentials that the gateway itself has',
    },
    { name: 'endpoint', label: 'Another address', hint: 'https://aiplatform.googleapis.com/v1' },
  ],
  wrong: (said, open) => projectWrong(said) ?? accountWrong(said) ?? endpointWrong(said, open),
  place({ region, settings: { project = '', endpoint } }, open) {
    return placeAt(project, region, address(endpoint, usualApi(region), endpointMust(region, open)))
  },
  access({ settings: { serviceAccount: account } }) {
    return account === undefined ? { by: 'own', of: 'google' } : { by: 'google', account }
  },
} satisfies UpstreamKind

function projectWrong({ settings: { project = '' } }: Said): Wrong | undefined {
  if (/^(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$/.test(project)) return undefined
  return { field: 'project', must: 'be the id of a Google Cloud project' }
}

/** Of what Google's libraries read, only this says nothing of files and addresses to look at. */
function accountWrong({ settings: { serviceAccount } }: Said): Wrong | undefined {
  if (serviceAccount === undefined || isServiceAccount(serviceAccount)) return undefined
  return { field: 'serviceAccount', must: 'be what is in the JSON file of a service account' }
}

function isServiceAccount(json: string): boolean {
  try {
    return readGoogleAccount(json).type === 'service_account'
  } catch {
    return false
  }
}

function endpointWrong({ region, settings: { endpoint } }: Said, open: Privileges): Wrong | undefined {
  const must = endpoint && endpointMust(region, open)(endpoint)
  return must ? { field: 'endpoint', must } : undefined
}

function endpointMust(region: string, open: Privileges) {
  const usual = usualApi(region)
  return (text: string) =>
    text.replace(/\/+$/, '') === usual ? undefined : elsewhereWrong(text, () => false, open, usual)
}
