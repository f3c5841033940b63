/** The audit log: who changed what, from what to what, and whether that is still what was written. */
import { z } from '@hono/zod-openapi'
import type { AuditRow } from '../../data/audit.ts'
import { verifyChain } from '../../gateway/auditchain.ts'
import { exportLines } from '../../gateway/auditexport.ts'
import { instant } from './fields.ts'
import { json, operation, pageOf, paging, refusals, resource, text } from './resource.ts'

const number = z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER)

const filter = {
  actor: text(200).optional().describe('As in root, or token:token_….'),
  target: text(400).optional().describe('As in key:key_….'),
  action: text(100).optional().describe('Whole, or up to a dot: key is everything that is done to keys.'),
  from: instant.optional(),
  to: instant.optional(),
}

const state = z.unknown().describe('As this API shows it, secrets masked; null where there was nothing.')

const entryView = z
  .object({
    number: z.number().int().describe('Without gaps.'),
    at: z.iso.datetime(),
    actor: z.string(),
    actor_name: z.string(),
    action: z.string(),
    target: z.string(),
    before: state,
    after: state,
    address: z.string().nullable(),
    request_id: z.string(),
    break_glass: z.boolean().describe('It was the operator’s own token.'),
    hash: z.string(),
  })
  .openapi('AuditEntry')

const verdictView = z
  .object({
    intact: z.number().int().describe('Entries that are as they were written, from the first one on.'),
    last: z.object({ number: z.number().int(), hash: z.string() }).nullable(),
    broken: z
      .object({ number: z.number().int(), problem: z.enum(['missing', 'changed']) })
      .nullable()
      .describe('The first entry that is not as it was written; null where all are.'),
  })
  .openapi('AuditVerdict')

const list = operation({
  needs: 'audit.read',
  method: 'get',
  path: '/',
  summary: 'List what was changed, newest first',
  request: { query: z.object({ ...filter, limit: paging.limit, cursor: number.optional() }) },
  responses: { 200: { description: 'A page of entries.', content: json(pageOf(entryView)) }, ...refusals },
})

const download = operation({
  needs: 'audit.read',
  method: 'get',
  path: '/export',
  summary: 'All of it, oldest first, an entry a line; without a filter it can be verified elsewhere',
  request: { query: z.object({ ...filter, after: number.optional() }) },
  responses: {
    200: { description: 'JSON lines, each an entry as it is hashed, with its hash.' },
    ...refusals,
  },
})

const verify = operation({
  needs: 'audit.read',
  method: 'get',
  path: '/verify',
  summary: 'Make every hash again; say, with number and hash, which entry it must still have',
  request: {
    query: z
      .object({ number: number.optional(), hash: text(64).optional() })
      .refine(
        ({ number, hash }) => (number === undefined) === (hash === undefined),
        'number and hash go together',
      ),
  },
  responses: { 200: { description: 'How it stands.', content: json(verdictView) }, ...refusals },
})

const JSON_LINES = {
  'content-type': 'application/jsonl',
  'content-disposition': 'attachment; filename="audit.jsonl"',
}

export const audit = resource()
  .openapi(list, async (c) => {
    const { limit, cursor, ...wanted } = c.req.valid('query')
    const rows = await c.env.data.audit.find({ ...wanted, before: cursor, limit: limit + 1 })
    const data = rows.slice(0, limit)
    const last = data.at(-1)?.number
    return c.json({ data: data.map(view), next: rows.length > limit && last ? String(last) : null }, 200)
  })
  .openapi(download, (c) => {
    const { after = 0, ...wanted } = c.req.valid('query')
    if (c.req.raw.method === 'HEAD') return c.body(null, 200, JSON_LINES) // nobody would read it to its end
    const { body, over } = exportLines(c.env.data.audit, wanted, after)
    c.env.waitUntil(over)
    return c.body(body, 200, JSON_LINES)
  })
  .openapi(verify, async (c) => {
    const { number, hash } = c.req.valid('query')
    const witness = number === undefined || hash === undefined ? undefined : { number, hash }
    return c.json(await verifyChain(c.env.data.audit, witness), 200)
  })

function view(row: AuditRow): z.infer<typeof entryView> {
  const parsed = (text: string | null): unknown => (text === null ? null : JSON.parse(text))
  return {
    number: row.number,
    at: row.at.toISOString(),
    actor: row.actor,
    actor_name: row.actorName,
    action: row.action,
    target: row.target,
    before: parsed(row.before),
    after: parsed(row.after),
    address: row.address,
    request_id: row.requestId,
    break_glass: row.breakGlass,
    hash: row.hash,
  }
}
