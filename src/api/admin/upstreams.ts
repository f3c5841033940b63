/** Upstreams: where calls go, by whose credentials. Those of the environment are listed beside those set up here. */
import type { z } from '@hono/zod-openapi'
import { isTaken } from '../../data/database.ts'
import type { UpstreamRow } from '../../data/upstreams.ts'
import { GatewayError } from '../../errors.ts'
import type { Change } from '../../gateway/audit.ts'
import { SEALED, secretsOf } from '../../gateway/routing/credentials.ts'
import { checkedLead, environmentIds, environmentRow, newUpstream } from '../../gateway/routing/setup.ts'
import {
  type Configured,
  configuredIn,
  ENVIRONMENT,
  forgetUpstreams,
} from '../../gateway/routing/upstreams.ts'
import { upstreamKinds } from '../../providers/index.ts'
import type { Runtime } from '../../runtime.ts'
import { audited } from './audited.ts'
import { conflict, noSuch } from './fields.ts'
import { resource } from './resource.ts'
import * as operations from './upstreamoperations.ts'

type View = z.infer<typeof operations.upstreamView>

export const upstreams = resource()
  .openapi(operations.listKinds, (c) =>
    c.json({ data: Object.values(upstreamKinds).map(viewOfKind), next: null }, 200),
  )
  .openapi(operations.list, async (c) => {
    const data = await viewsIn(c.env, await c.env.data.upstreams.all())
    return c.json({ data, next: null }, 200)
  })
  .openapi(operations.create, async (c) => {
    const wish = c.req.valid('json')
    const made = await audited(c, async (tables) => {
      const present = await tables.upstreams.all()
      checkName(c.env, wish.name)
      const row = await newUpstream(c.env, present, wish)
      await tables.upstreams.create(row).catch(taken)
      const view = await viewIn(c.env, row)
      return { answer: view, entry: entry('create', row.id, null, view) }
    })
    forgetUpstreams(c.env)
    return c.json(made, 201)
  })
  .openapi(operations.get, async (c) => {
    const { id } = c.req.valid('param')
    const row = (await c.env.data.upstreams.byId(id)) ?? environmentRow(c.env, id)
    if (!row) throw noSuch('upstream', id)
    return c.json(await viewIn(c.env, row), 200)
  })
  .openapi(operations.change, async (c) => {
    const { id } = c.req.valid('param')
    const { name, priority, weight, enabled, ...lead } = c.req.valid('json')
    const answer = await audited(c, async (tables) => {
      const known = await tables.upstreams.lock(id)
      const before = known ?? environmentRow(c.env, id)
      if (!before) throw noSuch('upstream', id)
      if (name !== undefined) checkName(c.env, name, id)
      const parts = Object.keys(lead).length > 0 ? await leadOf(c.env, before, lead) : {}
      const wish = { name, priority, weight, enabled, ...parts }
      if (!known) await tables.upstreams.create(before).catch(taken)
      const after = (await tables.upstreams.change(id, wish).catch(taken)) ?? before
      const [shown, view] = [await viewIn(c.env, before), await viewIn(c.env, after)]
      const warnings = warningsOf(c.env, await tables.upstreams.all())
      return { answer: { ...view, warnings }, entry: entry('change', id, shown, view) }
    })
    // What was found out was found out about another place.
    if (Object.keys(lead).length > 0) await c.env.data.surveys.forget(id)
    forgetUpstreams(c.env)
    return c.json(answer, 200)
  })
  .openapi(operations.remove, async (c) => {
    const { id } = c.req.valid('param')
    if (environmentIds(c.env).includes(id))
      throw ofTheEnvironment('It can be switched off: {"enabled": false}.')
    const answer = await audited(c, async (tables) => {
      const before = await tables.upstreams.lock(id)
      if (!before) throw noSuch('upstream', id)
      await tables.upstreams.change(id, { archivedAt: new Date(c.env.now()), enabled: false, secrets: null })
      const view = await viewIn(c.env, before)
      const warnings = warningsOf(c.env, await tables.upstreams.all())
      return { answer: { ...view, warnings }, entry: entry('archive', id, view, null) }
    })
    await c.env.data.surveys.forget(id)
    forgetUpstreams(c.env)
    return c.json(answer, 200)
  })

type Lead = Parameters<typeof checkedLead>[2]

async function leadOf(runtime: Runtime, before: UpstreamRow, lead: Lead) {
  if (before.kind !== ENVIRONMENT) return checkedLead(runtime, before, lead)
  throw ofTheEnvironment('Here, its name, priority and weight can be changed, and whether it is enabled.')
}

function ofTheEnvironment(more: string): GatewayError {
  return new GatewayError(
    'invalid_request_error',
    `This upstream is set up in the environment of the gateway. ${more}`,
  )
}

/** Those of the environment have their names without a row. */
function checkName(runtime: Runtime, name: string, own?: string) {
  const names = environmentIds(runtime).filter((id) => id !== own)
  if (names.includes(name.toLowerCase())) throw nameTaken()
}

function taken(error: unknown): never {
  throw isTaken(error) ? nameTaken() : error
}

function nameTaken(): GatewayError {
  return conflict('There is an upstream of this name already.')
}

/** Switching the last one off is how one stops a bill at once; it is not to happen by mistake. */
function warningsOf(runtime: Runtime, rows: readonly UpstreamRow[]): string[] {
  const isOn = configuredIn(runtime, rows).some(({ enabled }) => enabled)
  return isOn ? [] : ['No upstream is enabled now: every call is refused until one is.']
}

function entry(what: string, id: string, before: View | null, after: View | null): Change {
  return { action: `upstream.${what}`, target: `upstream:${id}`, before, after }
}

function viewsIn(runtime: Runtime, rows: readonly UpstreamRow[]): Promise<View[]> {
  const of = (upstreamId: string) => rows.find(({ id }) => id === upstreamId)
  return Promise.all(configuredIn(runtime, rows).map((each) => view(runtime, each, of(each.id))))
}

async function viewIn(runtime: Runtime, row: UpstreamRow): Promise<View> {
  const one = configuredIn(runtime, [row]).find(({ id }) => id === row.id)
  if (!one) throw noSuch('upstream', row.id)
  return view(runtime, one, row)
}

async function view(runtime: Runtime, one: Configured, row: UpstreamRow | undefined): Promise<View> {
  const own = row?.kind === ENVIRONMENT ? undefined : row
  const { id, name, kind, priority, weight, enabled } = one
  const { endpoint, region, wire, problem } = placeOf(one)
  const secrets = own ? await secretsOf(runtime, own) : {}
  return {
    id,
    name,
    kind,
    source: own ? 'admin' : 'environment',
    region: own ? own.region : region,
    transport: own ? own.transport : wire,
    endpoint,
    problem: problem ?? (secrets ? null : SEALED),
    settings: { ...own?.settings } as Record<string, string>,
    secrets: Object.keys(secrets ?? {}),
    priority,
    weight,
    enabled,
    created_at: own?.createdAt.toISOString() ?? null,
  }
}

function placeOf({ place }: Configured) {
  try {
    return { ...place(), problem: null }
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error
    return { endpoint: null, region: null, wire: null, problem: error.message }
  }
}

function viewOfKind({ kind, label, region, transports, fields }: (typeof upstreamKinds)[string]) {
  return {
    kind,
    label,
    region: region?.hint ?? null,
    transports: [...transports],
    fields: fields.map(({ name, label: title, required = false, secret = false, options, hint = '' }) => {
      return { name, label: title, required, secret, options: options ? [...options] : null, hint }
    }),
  }
}
