/**
 * InvokeModel's envelope: the URL says which model and whether to stream, the body which version and betas.
 * https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-request-response.html
 */
import type { Envelope } from '../../protocol/fields/adapt.ts'

/** The one version that every Claude model on Bedrock takes. */
const VERSION = 'bedrock-2023-05-31'

/** @param maxTokens what to say where the call does not, as calls that are only counted may */
export function invokeEnvelope(maxTokens?: number): Envelope {
  return {
    drop: ['model', 'stream', 'anthropic_version', 'anthropic_beta'],
    add: (betas) => [
      `"anthropic_version":"${VERSION}"`,
      ...(betas.length > 0 ? [`"anthropic_beta":${JSON.stringify(betas)}`] : []),
      ...(maxTokens === undefined ? [] : [`"max_tokens":${maxTokens}`]),
    ],
  }
}
