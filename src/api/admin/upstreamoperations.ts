/** What there is to do with upstreams: the operations that upstreams.ts answers. */
import { z } from '@hono/zod-openapi'
import { name, path } from './fields.ts'
import { json, operation, pageOf, refusals, text } from './resource.ts'

/** The key of a service account of Google has 2,400 characters. */
const setting = text(20_000).refine((value) => !/\p{Cs}/u.test(value), 'Input should be well-formed text')
const settings = z
  .record(z.string().max(50), setting)
  .describe('All of them, instead of those before; a secret that is not said stays as it is.')
const region = text(50).nullable().describe('Null for a kind that has none.')
const transport = text(50).describe('The wire form; auto is the choice of the kind.')
const priority = z.int().min(0).max(1_000).describe('Lower ones are tried first, where that is the strategy.')
const weight = z.int().min(0).max(1_000).describe('The share of new sessions; 0 takes none.')
const enabled = z.boolean()

export const upstreamView = z
  .object({
    id: z.string(),
    name,
    kind: z.string(),
    source: z
      .enum(['environment', 'admin'])
      .describe(
        'Where it is set up: of the environment’s, only name, priority, weight and enabled can be changed.',
      ),
    region: z.string().nullable(),
    transport: z.string().nullable(),
    endpoint: z.string().nullable().describe('Where calls go; null where its settings cannot be used.'),
    problem: z.string().nullable().describe('Why its settings cannot be used.'),
    settings: z.record(z.string(), z.string()).describe('What is not secret.'),
    secrets: z.array(z.string()).describe('Secret settings that it has; they are never shown.'),
    priority,
    weight,
    enabled,
    created_at: z.iso.datetime().nullable(),
  })
  .openapi('Upstream')

export const changedView = upstreamView
  .extend({ warnings: z.array(z.string()).describe('What follows from the change, where that is grave.') })
  .openapi('ChangedUpstream')

const fieldView = z.object({
  name: z.string(),
  label: z.string(),
  required: z.boolean(),
  secret: z.boolean(),
  options: z.array(z.string()).nullable().describe('What it may be, the usual one first; null is any text.'),
  hint: z.string(),
})

export const upstreamKindView = z
  .object({
    kind: z.string(),
    label: z.string(),
    region: z.string().nullable().describe('An example; null for a kind that has none.'),
    transports: z.array(z.string()),
    fields: z.array(fieldView),
  })
  .openapi('UpstreamKind')

const spread = { priority: priority.optional(), weight: weight.optional(), enabled: enabled.optional() }
const lead = { region: region.optional(), transport: transport.optional(), settings: settings.optional() }

export const listKinds = operation({
  needs: 'upstreams.read',
  method: 'get',
  path: '/kinds',
  summary: 'List the kinds of upstream there are, and their settings',
  responses: {
    200: { description: 'All of them.', content: json(pageOf(upstreamKindView)) },
    ...refusals,
  },
})

export const list = operation({
  needs: 'upstreams.read',
  method: 'get',
  path: '/',
  summary: 'List upstreams: the environment’s first, then the others by priority',
  responses: { 200: { description: 'All of them.', content: json(pageOf(upstreamView)) }, ...refusals },
})

export const create = operation({
  needs: 'upstreams.change',
  method: 'post',
  path: '/',
  summary: 'Set up an upstream: calls may go there within ten seconds',
  request: {
    body: {
      required: true,
      content: json(z.strictObject({ kind: z.string().max(50), name, ...lead, ...spread })),
    },
  },
  responses: { 201: { description: 'The upstream.', content: json(upstreamView) }, ...refusals },
})

export const get = operation({
  needs: 'upstreams.read',
  method: 'get',
  path: '/{id}',
  summary: 'Look at an upstream',
  request: { params: path },
  responses: { 200: { description: 'The upstream.', content: json(upstreamView) }, ...refusals },
})

export const change = operation({
  needs: 'upstreams.change',
  method: 'patch',
  path: '/{id}',
  summary: 'Change an upstream, or switch it off and on',
  request: {
    params: path,
    body: { required: true, content: json(z.strictObject({ name: name.optional(), ...lead, ...spread })) },
  },
  responses: { 200: { description: 'The upstream as it is now.', content: json(changedView) }, ...refusals },
})

export const remove = operation({
  needs: 'upstreams.change',
  method: 'delete',
  path: '/{id}',
  summary: 'Archive an upstream: no call goes there any more, and its secrets are gone',
  request: { params: path },
  responses: { 200: { description: 'What it was.', content: json(changedView) }, ...refusals },
})
