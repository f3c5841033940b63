/** IAM policies, made of the table of actions that the gateway itself goes by. */
import { partitionName } from '../../src/aws/hosts.ts'
import { ACTIONS, type Action, type Purpose, type Resource } from '../../src/providers/bedrock/actions.ts'
import type { AwsWire } from '../../src/providers/bedrock/wires.ts'

/** Where an account is, and what of it is the gateway's. Each may be `*`. */
export interface Whereabouts {
  /** Any region of the partition. */
  region: string
  account: string
  /** ARNs of the roles that upstreams take on. */
  roles: readonly string[]
  workspace: string
}

/**
 * The ARNs that stand for it. A profile runs a call in any region of its geography, so that models are allowed in every
 * region; a star stands for none as well, which is where `global.` profiles have theirs.
 */
export function arnsOf(
  resource: Resource,
  { region, account, roles, workspace }: Whereabouts,
): readonly string[] {
  const partition = partitionName(region)
  switch (resource) {
    case 'profile':
      return [`arn:${partition}:bedrock:*:${account}:inference-profile/*`]
    case 'application':
      return [`arn:${partition}:bedrock:*:${account}:application-inference-profile/*`]
    case 'model':
      return [`arn:${partition}:bedrock:*::foundation-model/anthropic.*`]
    case 'project':
      return [`arn:${partition}:bedrock-mantle:*:${account}:project/*`]
    case 'workspace':
      return [`arn:${partition}:aws-external-anthropic:*:${account}:workspace/${workspace}`]
    case 'role':
      return roles
    case 'any':
      return ['*']
  }
}

export interface Statement {
  Sid: string
  Effect: 'Allow'
  Action: string[]
  Resource: string[]
}

const SIDS: Readonly<Record<Purpose, string>> = {
  calls: 'OutcropCalls',
  'api-key': 'OutcropApiKey',
  survey: 'OutcropLooks',
  role: 'OutcropTakesOnRoles',
}

/** What an identity is allowed by: of these purposes, for what goes by one wire. One statement for what is allowed on the same. */
export function policyFor(wire: AwsWire | undefined, purposes: readonly Purpose[], where: Whereabouts) {
  const wanted = Object.values<Action>(ACTIONS).filter(
    ({ wires, purpose }) =>
      purposes.includes(purpose) && (wires.length === 0 || (wire !== undefined && wires.includes(wire))),
  )
  const statements = new Map<string, Statement>()
  for (const { name, purpose, on } of wanted) {
    const arns = on.flatMap((resource) => arnsOf(resource, where))
    const key = `${purpose} ${arns.join(' ')}`
    const known = statements.get(key)
    if (known) known.Action.push(name)
    else statements.set(key, { Sid: SIDS[purpose], Effect: 'Allow', Action: [name], Resource: arns })
  }
  return { Version: '2012-10-17', Statement: numbered([...statements.values()]) }
}

/** Sids are each another. */
function numbered(statements: Statement[]): Statement[] {
  return statements.map((statement, index) => {
    const earlier = statements.slice(0, index).filter(({ Sid }) => Sid === statement.Sid).length
    return earlier === 0 ? statement : { ...statement, Sid: `${statement.Sid}${earlier + 1}` }
  })
}

/** Whom a role lets in: the gateway, if it says the external id; its sessions may be tagged. */
export function trustFor(principal: string, externalId: string) {
  const trusted = { Effect: 'Allow', Principal: { AWS: principal } }
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'OutcropTakesItOn',
        ...trusted,
        Action: [ACTIONS.assumeRole.name],
        Condition: { StringEquals: { 'sts:ExternalId': externalId } },
      },
      { Sid: 'OutcropTagsSessions', ...trusted, Action: [ACTIONS.tagSession.name] },
    ],
  }
}
