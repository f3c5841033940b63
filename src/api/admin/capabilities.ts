/** Capabilities: what upstreams and models were found to refuse, and what an admin knows better. */
import { z } from '@hono/zod-openapi'
import type { Capability } from '../../data/capabilities.ts'
import { GatewayError } from '../../errors.ts'
import { forgetLessons } from '../../gateway/learn.ts'
import { audited } from './audited.ts'
import { json, operation, pageOf, refusals, resource } from './resource.ts'

const naming = {
  place: z.string().min(1).max(400).describe('provider/wire/region/model'),
  kind: z.enum(['beta', 'field']),
  name: z.string().min(1).max(400).describe('A beta, or a pattern such as tools.*.strict.'),
}

const capabilityView = z
  .object({
    ...naming,
    verdict: z
      .enum(['refused', 'suspect', 'accepted'])
      .describe('A suspect was refused together with others, and is tried by one call at a time.'),
    pinned: z.boolean(),
    learned_at: z.iso.datetime(),
    expires_at: z.iso.datetime().nullable(),
  })
  .openapi('Capability')

const list = operation({
  needs: 'capabilities.read',
  method: 'get',
  path: '/',
  summary: 'List what holds now',
  responses: { 200: { description: 'All of it.', content: json(pageOf(capabilityView)) }, ...refusals },
})

const pin = operation({
  needs: 'capabilities.change',
  method: 'put',
  path: '/',
  summary: 'Pin a verdict: it does not expire and is not learned over',
  request: {
    body: {
      required: true,
      content: json(z.strictObject({ ...naming, verdict: z.enum(['refused', 'accepted']) })),
    },
  },
  responses: { 200: { description: 'The verdict.', content: json(capabilityView) }, ...refusals },
})

const forget = operation({
  needs: 'capabilities.change',
  method: 'delete',
  path: '/',
  summary: 'Forget a verdict: it is found out anew',
  request: { query: z.object(naming) },
  responses: { 204: { description: 'It is forgotten.' }, ...refusals },
})

export const capabilities = resource()
  .openapi(list, async (c) => {
    const data = await c.env.data.capabilities.all(new Date(c.env.now()))
    return c.json({ data: data.map(view), next: null }, 200)
  })
  .openapi(pin, async (c) => {
    const learnedAt = new Date(c.env.now())
    const capability = { ...c.req.valid('json'), pinned: true, learnedAt, expiresAt: null }
    await audited(c, async (tables) => {
      await tables.capabilities.pin(capability)
      return { answer: capability, entry: entry('pin', capability, null, view(capability)) }
    })
    forgetLessons(c.env)
    return c.json(view(capability), 200)
  })
  .openapi(forget, async (c) => {
    const { place, kind, name } = c.req.valid('query')
    await audited(c, async (tables) => {
      const found = await tables.capabilities.forget(place, kind, name)
      if (!found) throw new GatewayError('not_found_error', `Nothing is known of '${name}' at '${place}'.`)
      const which = { place, kind, name }
      return { answer: found, entry: entry('forget', which, which, null) }
    })
    forgetLessons(c.env)
    return c.body(null, 204)
  })

function entry(
  what: string,
  { place, kind, name }: Pick<Capability, 'place' | 'kind' | 'name'>,
  before: object | null,
  after: object | null,
) {
  return { action: `capability.${what}`, target: `capability:${place} ${kind} ${name}`, before, after }
}

function view(capability: Capability): z.infer<typeof capabilityView> {
  const { place, kind, name, verdict, pinned, learnedAt, expiresAt } = capability
  return {
    place,
    kind,
    name,
    verdict,
    pinned,
    learned_at: learnedAt.toISOString(),
    expires_at: expiresAt?.toISOString() ?? null,
  }
}
