/** Environment variables: every one of them, what it must look like, and what it is for. */
import { z } from 'zod'

/** A variable that is set to nothing counts as not set: compose files and shells produce such. */
const text = z.preprocess((value) => (value === '' ? undefined : value), z.string().optional())

const matching = (form: RegExp, sentence: string) =>
  text.refine((value) => value === undefined || form.test(value), sentence)

const url = matching(/^https?:\/\//, 'must be an http(s) URL')
const flag = text.transform((value) => value === 'true' || value === '1')
const region = matching(/^[a-z]{2,4}(-[a-z]+)+-\d+$/, 'must be an AWS region such as us-east-1')

/** Public, and with no signature: https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-the-aws-price-list-bulk-api-fetching-price-list-files-manually.html */
const PRICE_LIST =
  'https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/AmazonBedrockFoundationModels/current/us-east-1/index.csv'
const MIN_TOKEN = 32
const MOST_SECONDS = 86_400

export const Environment = z.object({
  /** Where Node, Bun and Deno listen. */
  HOST: text.transform((value) => value ?? '127.0.0.1'),
  PORT: text
    .transform((value) => Number(value ?? '8080'))
    .refine((port) => Number.isInteger(port) && port >= 0 && port < 65536, 'must be a port number'),
  /** How long answers under way may go on after SIGTERM. */
  DRAIN_SECONDS: text
    .transform((value) => Number(value ?? '600'))
    .refine((seconds) => seconds >= 0 && seconds <= MOST_SECONDS, 'must be a number of seconds'),
  /** How long one of several upstreams may take to begin its answer before another one is tried beside it. */
  SLOW_AFTER_SECONDS: text
    .transform((value) => Number(value ?? '30'))
    .refine((seconds) => seconds > 0 && seconds <= 300, 'must be a number of seconds up to 300'),
  /** How many processes serve, on Node: one a core. */
  WORKERS: text
    .transform((value) => Number(value ?? '1'))
    .refine(
      (count) => Number.isInteger(count) && count >= 1 && count <= 256,
      'must be a number of processes',
    ),
  /** Calls that one process has under way at most; an idle stream takes about 30 KB. */
  MAX_IN_FLIGHT: text
    .transform((value) => Number(value ?? '10000'))
    .refine((most) => Number.isInteger(most) && most >= 1, 'must be a whole number above nothing'),
  /** What clients are told; without it, what the request says, on loopback only. */
  PUBLIC_URL: url,
  /** Addresses and ranges of proxies, whose `x-forwarded-for` says where a request comes from. */
  TRUSTED_PROXIES: text.transform((value) => value?.split(',').map((range) => range.trim()) ?? []),
  /** Embedded database and generated secrets; one process at a time. */
  DATA_DIR: text.transform((value) => value ?? '.outcrop'),
  /** Postgres instead of the embedded database. */
  DATABASE_URL: matching(/^postgres(ql)?:\/\//, 'must start with postgres://'),
  /** How long keys in use go on working while the database does not answer. */
  OUTAGE_GRACE_SECONDS: text
    .transform((value) => Number(value ?? '900'))
    .refine((seconds) => seconds >= 0 && seconds <= 86_400, 'must be seconds, at most a day'),
  /** On Workers without Hyperdrive: how Neon is spoken to. */
  DATABASE_WIRE: text.pipe(z.enum(['http', 'websocket']).default('http')),
  /** Redis instead of memory for rate limits, so that replicas share them. */
  REDIS_URL: matching(/^rediss?:\/\//, 'must start with redis:// or rediss://').refine(
    (value) => value === undefined || URL.canParse(value),
    'must be a URL; what is not a letter or a digit in its password must be escaped, as in %40',
  ),
  /** The same over HTTP. */
  UPSTASH_REDIS_REST_URL: url,
  UPSTASH_REDIS_REST_TOKEN: matching(/^[\x21-\x7e]+$/, 'must be a token, on one line'),
  /** Encrypts stored secrets; several, comma-separated, rotate: the first one writes. */
  SECRET_KEY: text
    .transform((value) => value?.split(',').map((key) => key.trim()))
    .refine(
      (keys) => keys === undefined || keys.every((key) => key.length >= MIN_TOKEN),
      `must have at least ${MIN_TOKEN} characters (try: openssl rand -base64 32)`,
    ),
  /** Bearer for the admin API. */
  ADMIN_TOKEN: text.refine(
    (value) => value === undefined || isStrong(value),
    `must have at least ${MIN_TOKEN} characters, not all alike, with no space (try: openssl rand -base64 32)`,
  ),
  /** Where calls go: by default to the first; to the others when a model's name starts with theirs, as `anthropic/`. */
  UPSTREAM: text
    .transform((value) => value?.split(',') ?? ['bedrock'])
    .pipe(z.array(z.enum(['bedrock', 'anthropic', 'vertex'])).min(1)),
  AWS_REGION: region,
  AWS_DEFAULT_REGION: region,
  /** Which of its forms of the Messages API Bedrock is spoken to in. */
  BEDROCK_WIRE: text.pipe(z.enum(['auto', 'invoke', 'messages', 'mantle', 'platform']).default('auto')),
  /** Which inference profiles a plain model name is served by: a prefix such as `eu` or `global`. */
  BEDROCK_PROFILE: matching(/^[a-z]+(-[a-z]+)?$/, 'must be a prefix of profiles such as us or global'),
  /** Which application inference profile of the account a model goes through, so that AWS's bill tells it apart. */
  BEDROCK_APPLICATION_PROFILES: matching(
    /^\s*claude-[a-z0-9.-]+\s*=\s*arn:aws[a-z-]*:bedrock:[^,=]+(,\s*claude-[a-z0-9.-]+\s*=\s*arn:aws[a-z-]*:bedrock:[^,=]+)*$/,
    'must read claude-opus-5-5=arn:aws:bedrock:…, with commas between models',
  ),
  AWS_ENDPOINT_URL: url,
  AWS_ENDPOINT_URL_BEDROCK: url,
  AWS_ENDPOINT_URL_BEDROCK_RUNTIME: url,
  AWS_ENDPOINT_URL_BEDROCK_MANTLE: url,
  /** Where notices go. */
  AWS_ENDPOINT_URL_SNS: url,
  AWS_ENDPOINT_URL_EVENTBRIDGE: url,
  AWS_ENDPOINT_URL_SESV2: url,
  /** Where roles are taken on, for upstreams that do not say otherwise. */
  AWS_ENDPOINT_URL_STS: url,
  /** Where the quotas of accounts are read. */
  AWS_ENDPOINT_URL_SERVICE_QUOTAS: url,
  AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: flag,
  AWS_USE_FIPS_ENDPOINT: flag,
  AWS_USE_DUALSTACK_ENDPOINT: flag,
  /** Claude Platform on AWS. */
  ANTHROPIC_AWS_BASE_URL: url,
  ANTHROPIC_AWS_WORKSPACE_ID: matching(/^[\w-]{1,128}$/, 'must be a workspace id such as wrkspc_…'),
  /** Anthropic itself. */
  ANTHROPIC_API_KEY: matching(/^[\x21-\x7e]+$/, 'must be an API key, on one line'),
  ANTHROPIC_UPSTREAM_URL: url,
  /** Google Vertex AI. */
  ANTHROPIC_VERTEX_PROJECT_ID: matching(
    /^(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$/,
    'must be the id of a Google Cloud project',
  ),
  /** `global`, a multi-region such as `eu`, or a region. */
  CLOUD_ML_REGION: matching(
    /^[a-z]+(-[a-z]+\d+)?$/,
    'must be global, us, eu or a Google Cloud region',
  ).transform((value) => value ?? 'global'),
  ANTHROPIC_VERTEX_BASE_URL: url,
  /** The engine that answers web searches, until the admin API says otherwise; without it they are off. */
  WEB_SEARCH: text.pipe(z.enum(['brave', 'custom', 'duckduckgo', 'searxng', 'serper', 'tavily']).optional()),
  WEB_SEARCH_API_KEY: text,
  WEB_SEARCH_URL: url,
  /** What the engine charges, in dollars per thousand searches: it goes on the ledger. */
  WEB_SEARCH_FEE: text
    .transform((value) => Number(value ?? '0'))
    .refine((fee) => fee >= 0 && fee <= 1_000, 'must be dollars per thousand searches'),
  /** Where AWS's price list is had from when an admin asks for it: its own place, or a copy inside. */
  PRICE_LIST_URL: url.transform((value) => value ?? PRICE_LIST),
  /** Whether the web fetch tool fetches pages, from the network the gateway runs in. */
  WEB_FETCH: text.pipe(z.enum(['on', 'off']).default('off')),
  /** Images, pages and engines may be fetched from loopback, also over http: for development. */
  EGRESS_ALLOW_LOOPBACK: flag,
  /** Origins on a private network that an admin's settings may name, such as http://searxng:8080. */
  EGRESS_TRUSTED: text
    .transform((value) => value?.split(',').map((origin) => origin.trim()) ?? [])
    .refine(
      (origins) => origins.every(isOrigin),
      'must be origins such as http://searxng:8080, comma-separated',
    ),
  LOG_LEVEL: text.pipe(z.enum(['debug', 'info', 'warn', 'error']).default('info')),
  LOG_FORMAT: text.pipe(z.enum(['text', 'json']).optional()),
})

/** What was read of them. */
export type Variables = z.infer<typeof Environment>

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text
}

function isStrong(token: string): boolean {
  return token.length >= MIN_TOKEN && new Set(token).size >= 10 && /^[\x21-\x7e]+$/.test(token)
}
