/** The buckets of the ledger for what the fake says it counted. */
export function bucketsOf(usage: unknown) {
  const counted = usage as Record<string, number> & {
    cache_creation: { ephemeral_5m_input_tokens: number; ephemeral_1h_input_tokens: number }
  }
  return {
    input: counted['input_tokens'],
    cache_read: counted['cache_read_input_tokens'],
    cache_write_5m: counted.cache_creation.ephemeral_5m_input_tokens,
    cache_write_1h: counted.cache_creation.ephemeral_1h_input_tokens,
    output: counted['output_tokens'],
  }
}
