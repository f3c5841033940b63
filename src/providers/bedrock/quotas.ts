/**
 * How many tokens a minute an account has for each model, as Service Quotas lists them by name.
 * https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_ListServiceQuotas.html
 * https://docs.aws.amazon.com/bedrock/latest/userguide/quotas.html
 */
import { serviceHost } from '../../aws/hosts.ts'
import type { Quota } from '../../protocol/findings.ts'
import { type Asker, everyPage, fieldOf, listOf, question, wordOf } from './control.ts'

/** The most that AWS gives at once. */
const PAGE = 100

/** Of Claude's models. @throws as `everyPage` does. */
export async function quotasOf(asker: Asker, endpoint: string | undefined): Promise<Quota[]> {
  const url = `${endpoint ?? `https://${serviceHost('servicequotas', asker.upstream.region)}`}/`
  const headers = {
    'content-type': 'application/x-amz-json-1.1',
    'x-amz-target': 'ServiceQuotasV20190624.ListServiceQuotas',
  }
  const quotas = await everyPage(async (token) => {
    const asked = {
      ServiceCode: 'bedrock',
      MaxResults: PAGE,
      ...(token === undefined ? {} : { NextToken: token }),
    }
    const body = JSON.stringify(asked)
    const page = await question({ method: 'POST', url, service: 'servicequotas', headers, body }, asker)
    return { items: listOf(page, 'Quotas'), next: wordOf(page, 'NextToken') }
  })
  return quotas.flatMap((quota) => {
    const known = quotaIn(quota)
    return known ? [known] : []
  })
}

const FORMS: readonly [RegExp, Quota['reach']][] = [
  [/^Global cross-region (?:model inference|InvokeModel) tokens per minute for (.+)$/i, 'global'],
  [/^Cross-region (?:model inference|InvokeModel) tokens per minute for (.+)$/i, 'geography'],
  [/^On-demand (?:model inference|InvokeModel) tokens per minute for (.+)$/i, 'region'],
]

function quotaIn(quota: unknown): Quota | undefined {
  const name = wordOf(quota, 'QuotaName') ?? ''
  const tokensPerMinute = fieldOf(quota, 'Value')
  if (typeof tokensPerMinute !== 'number' || !(tokensPerMinute > 0)) return undefined
  for (const [form, reach] of FORMS) {
    const model = plainName(form.exec(name)?.[1] ?? '')
    if (model === undefined) continue
    return {
      code: wordOf(quota, 'QuotaCode') ?? '',
      name,
      model,
      reach,
      tokensPerMinute,
      adjustable: fieldOf(quota, 'Adjustable') === true,
    }
  }
  return undefined
}

/** `Anthropic Claude Opus 4.8`, `Anthropic Claude Sonnet 4 V1`, `Anthropic Claude Sonnet 4.5 V1 (1M Context Length)`. */
const SPELLED =
  /^(?:Anthropic )?(Claude(?: \d+(?:\.\d+)?)? [A-Za-z]+(?: \d+(?:\.\d+)?)?)(?: V\d+(?:\.\d+)?)?$/i

/** Undefined for what is not the quota of every call: that of a longer context is another's. */
function plainName(spelled: string): string | undefined {
  const [, name] = SPELLED.exec(spelled.trim()) ?? []
  return name?.toLowerCase().replaceAll(/[ .]+/g, '-')
}
