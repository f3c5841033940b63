/**
 * What AWS must allow the gateway, action by action. The doctor goes by this table, and the policies that docs/iam.md
 * prints are made of it. https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonbedrock.html
 */
import type { AwsWire } from './wires.ts'

/** What an action is allowed on. */
export type Resource = 'profile' | 'application' | 'model' | 'project' | 'workspace' | 'role' | 'any'

/** When an action is needed: by every call, for a role, with an API key, or to know what there is. */
export type Purpose = 'calls' | 'role' | 'api-key' | 'survey'

export interface Action {
  name: string
  purpose: Purpose
  /** Empty is every wire. */
  wires: readonly AwsWire[]
  on: readonly Resource[]
  /** What the gateway does with it: a clause. */
  why: string
}

const RUNTIME: readonly AwsWire[] = ['invoke', 'runtime-messages']
const BEDROCK: readonly AwsWire[] = [...RUNTIME, 'mantle']
const SERVED: readonly Resource[] = ['profile', 'application', 'model']

export const ACTIONS = {
  assumeRole: action('sts:AssumeRole', 'role', [], ['role'], 'takes on the role of an upstream'),
  tagSession: action(
    'sts:TagSession',
    'role',
    [],
    ['role'],
    'says in the session whose call it is, so that the bill can be divided',
  ),
  bearer: action(
    'bedrock:CallWithBearerToken',
    'api-key',
    BEDROCK,
    ['any'],
    'is let in with an API key for Bedrock',
  ),
  invoke: action('bedrock:InvokeModelWithResponseStream', 'calls', RUNTIME, SERVED, 'sends calls'),
  invokeWhole: action(
    'bedrock:InvokeModel',
    'calls',
    ['runtime-messages'],
    SERVED,
    "sends calls by the Messages API on the runtime's host",
  ),
  count: action('bedrock:CountTokens', 'calls', RUNTIME, ['model'], 'counts tokens exactly, free of charge'),
  mantle: action('bedrock-mantle:CreateInference', 'calls', ['mantle'], ['project'], 'sends calls'),
  mantleCount: action(
    'bedrock-mantle:CountTokens',
    'calls',
    ['mantle'],
    ['project'],
    'counts tokens exactly',
  ),
  platform: action(
    'aws-external-anthropic:CreateInference',
    'calls',
    ['claude-platform'],
    ['workspace'],
    'sends calls',
  ),
  platformCount: action(
    'aws-external-anthropic:CountTokens',
    'calls',
    ['claude-platform'],
    ['workspace'],
    'counts tokens exactly',
  ),
  platformBearer: action(
    'aws-external-anthropic:CallWithBearerToken',
    'api-key',
    ['claude-platform'],
    ['workspace'],
    'is let in with an API key',
  ),
  platformModels: action(
    'aws-external-anthropic:ListModels',
    'survey',
    ['claude-platform'],
    ['workspace'],
    'learns which models the workspace has',
  ),
  list: action(
    'bedrock:ListInferenceProfiles',
    'survey',
    BEDROCK,
    ['any'],
    'learns which models the account is offered, new ones on their first day',
  ),
  profile: action(
    'bedrock:GetInferenceProfile',
    'survey',
    BEDROCK,
    ['profile', 'application'],
    'learns which model an application inference profile leads to',
  ),
  availability: action(
    'bedrock:GetFoundationModelAvailability',
    'survey',
    BEDROCK,
    ['any'],
    'learns which models the account has access to',
  ),
  useCase: action(
    'bedrock:GetUseCaseForModelAccess',
    'survey',
    BEDROCK,
    ['any'],
    "sees whether Anthropic's use case form was submitted",
  ),
  retention: action(
    'bedrock:GetAccountDataRetention',
    'survey',
    BEDROCK,
    ['any'],
    'sees whether the account keeps data in the way that Fable needs',
  ),
  quotas: action(
    'servicequotas:ListServiceQuotas',
    'survey',
    BEDROCK,
    ['any'],
    'learns how many tokens a minute the account has, to place calls where there is room',
  ),
} as const satisfies Readonly<Record<string, Action>>

function action(
  name: string,
  purpose: Purpose,
  wires: readonly AwsWire[],
  on: readonly Resource[],
  why: string,
): Action {
  return { name, purpose, wires, on, why }
}
