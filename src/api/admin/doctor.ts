/** What an upstream is let do, tried out when it is asked for; and which permission or setting is missing. */
import { z } from '@hono/zod-openapi'
import { examined } from '../../gateway/doctor.ts'
import { noSuch } from './fields.ts'
import { json, operation, refusals, resource, text } from './resource.ts'

const check = z
  .object({
    action: z.string().describe('An action of IAM such as bedrock:ListInferenceProfiles, or a setting.'),
    verdict: z.enum(['passed', 'refused', 'failed', 'unknown']),
    error: z.string().nullable().describe('What the other side called it.'),
    says: z.string().describe('What it is for, and where it did not pass what to do.'),
  })
  .openapi('Check')

const examine = operation({
  needs: 'upstreams.read',
  method: 'get',
  path: '/{id}/doctor',
  summary: 'Try out all that an upstream needs, by name; nothing of it costs anything',
  request: { params: z.object({ id: text(100) }) },
  responses: {
    200: {
      description: 'In the order in which to mend what is missing.',
      content: json(z.object({ healthy: z.boolean(), checks: z.array(check) })),
    },
    ...refusals,
  },
})

export const doctor = resource().openapi(examine, async (c) => {
  const { id } = c.req.valid('param')
  const checks = await examined(c.env, id)
  if (!checks) throw noSuch('upstream', id)
  const healthy = checks.every(({ verdict }) => verdict === 'passed' || verdict === 'unknown')
  return c.json({ healthy, checks: checks.map(({ error = null, ...rest }) => ({ ...rest, error })) }, 200)
})
