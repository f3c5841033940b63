/** Ledger rows by the million, made by Postgres itself: the same seed makes the same rows. */
import { type SQL, sql } from 'drizzle-orm'

export interface Many {
  rows: number
  seed: number
  /** They began in so many days before this moment, evenly. */
  days: number
  before: Date
}

/** Numbers from 0 to 2^62, a different series for every `series`. */
const random = (seed: number, series: number) =>
  sql`abs(hashint8extended(i, ${seed * 16 + series}::bigint) / 2)`

/** Of the figures that make up a row: which row, its milliseconds since 1970, and random numbers. */
function figures({ rows, seed, days, before }: Many): SQL {
  const span = days * 86_400_000
  const from = before.getTime() - span
  return sql`select i, (${from}::bigint + i * ${span}::bigint / ${rows}::bigint) as ms,
    ${random(seed, 1)} as a, ${random(seed, 2)} as b, ${random(seed, 3)} as c, ${random(seed, 4)} as d
    from generate_series(0, ${rows - 1}::bigint) as i`
}

const ID = sql`'req_' || lpad(to_hex(ms), 12, '0') || '7' || substr(md5(i::text), 1, 19)`
const STARTED = sql`to_timestamp(ms / 1000.0)`

/**
 * Every kind of row there is, in every combination: nobody's and without a price too, figures large and small, in
 * another order than they began, written at any time after.
 */
export function wildRows(many: Many): SQL {
  return sql`insert into requests (id, status, key_id, user_id, team_id, model, model_id, provider, upstream, region, stream,
      attempts, input_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens, output_tokens,
      web_searches, cost_nano, session_id, agent_id, started_at, day, written_at)
    select ${ID}, ('{pending,succeeded,succeeded,succeeded,refused,failed_midstream,cancelled,lost}'::text[])[1 + a % 8],
      'key_' || b % 40, case when b % 3 > 0 then 'user_' || b % 20 end, case when b % 4 > 0 then 'team_' || b % 5 end,
      'asked', ('{us.anthropic.claude-haiku-4-5-20251001-v1:0,claude-haiku-4-5@20251001,global.anthropic.claude-opus-5-5,arn:aws:bedrock:us-east-1:1:application-inference-profile/x}'::text[])[1 + c % 4],
      'bedrock', 'upstream_' || d % 2, 'us-east-1', true, 1,
      a % 1000000, b % 1000000, c % 1000000, d % 1000000, (a + b) % 1000000, a % 3,
      case when c % 10 > 0 then d % 1000000000000 end,
      case when a % 5 > 0 then 'session' end, case when a % 2 > 0 then 'agent' end,
      ${STARTED}, case when d % 7 > 0 then (${STARTED} at time zone 'Asia/Kolkata')::date end,
      least(${STARTED} + (d % 3600) * interval '1 second', statement_timestamp())
    from (${figures(many)}) as made`
}

/**
 * Rows as an organisation makes them: 500 developers in 50 teams, some of whom are at work in any hour, each with one
 * key and two models, some of it by subagents.
 */
export function usualRows(many: Many, atWork: number): SQL {
  return sql`insert into requests (id, status, key_id, user_id, team_id, model, model_id, provider, upstream, region,
      region_class, stream, attempts, input_tokens, cache_read_tokens, cache_write_5m_tokens, output_tokens,
      usage_source, cost_nano, stop_reason, session_id, agent_id, started_at, day, first_byte_ms, duration_ms, written_at)
    select ${ID}, case when a % 50 = 0 then 'cancelled' when a % 77 = 0 then 'refused' else 'succeeded' end,
      'key_' || who, 'user_' || who, 'team_' || who % 50, model, 'us.anthropic.' || model, 'bedrock',
      case when who % 5 = 0 then 'spare' else 'default' end, 'us-east-1', 'us', true, 1,
      a % 5000, b % 100000, c % 9000, b % 3000, 'final', c % 900000000, 'end_turn',
      'session_' || who || '_' || ms / 7200000, case when c % 5 < 2 then 'agent_1' end,
      ${STARTED}, (${STARTED} at time zone 'UTC')::date, 800, 9000, ${STARTED}
    from (select *, ('{claude-opus-5-5,claude-haiku-5-5,claude-sonnet-5-5}'::text[])
        [case when b % 4 = 0 then 2 else 1 + who % 2 * 2 end] as model
      from (select *, abs(hashint8extended(ms / 3600000 * 1000 + a % ${atWork}::int, 7)) % 500 as who
        from (${figures(many)}) as made) as peopled) as named`
}
