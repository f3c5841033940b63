/** Configuration: environment variables in, one checked value out. Bad configuration names its variable. */
import { z } from 'zod'

/** A variable that is set to nothing counts as not set: compose files and shells produce such. */
const text = z.preprocess((value) => (value === '' ? undefined : value), z.string().optional())

const matching = (form: RegExp, sentence: string) =>
  text.refine((value) => value === undefined || form.test(value), sentence)

const url = matching(/^https?:\/\//, 'must be an http(s) URL')
const flag = text.transform((value) => value === 'true' || value === '1')
const region = matching(/^[a-z]{2,4}(-[a-z]+)+-\d+$/, 'must be an AWS region such as us-east-1')

const MIN_TOKEN = 32

const Environment = z.object({
  /** Where Node, Bun and Deno listen. */
  HOST: text.transform((value) => value ?? '127.0.0.1'),
  PORT: text
    .transform((value) => Number(value ?? '8080'))
    .refine((port) => Number.isInteger(port) && port >= 0 && port < 65536, 'must be a port number'),
  /** What clients are told; without it, what the request says, on loopback only. */
  PUBLIC_URL: url,
  /** Embedded database and generated secrets; one process at a time. */
  DATA_DIR: text.transform((value) => value ?? '.outcrop'),
  /** Postgres instead of the embedded database. */
  DATABASE_URL: matching(/^postgres(ql)?:\/\//, 'must start with postgres://'),
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
  /** Where calls go. */
  UPSTREAM: text.pipe(z.enum(['bedrock', 'anthropic', 'vertex']).default('bedrock')),
  AWS_REGION: region,
  AWS_DEFAULT_REGION: region,
  /** Which of its forms of the Messages API Bedrock is spoken to in. */
  BEDROCK_WIRE: text.pipe(z.enum(['auto', 'invoke', 'messages', 'mantle', 'platform']).default('auto')),
  /** Which inference profiles a plain model name is served by: a prefix such as `eu` or `global`. */
  BEDROCK_PROFILE: matching(/^[a-z]+(-[a-z]+)?$/, 'must be a prefix of profiles such as us or global'),
  AWS_ENDPOINT_URL: url,
  AWS_ENDPOINT_URL_BEDROCK_RUNTIME: url,
  AWS_ENDPOINT_URL_BEDROCK_MANTLE: url,
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

export interface Config {
  host: string
  port: number
  publicUrl: string | undefined
  dataDir: string
  databaseUrl: string | undefined
  /** The first one writes, every one reads. Empty until an entry has generated one. */
  secretKeys: readonly string[]
  adminToken: string | undefined
  upstream: 'bedrock' | 'anthropic' | 'vertex'
  /** The engine for web searches, and its settings by their names. */
  webSearch: { kind: string; settings: Readonly<Record<string, string>> } | undefined
  webFetch: boolean
  egress: { loopback: boolean; trusted: readonly string[] }
  aws: AwsConfig
  anthropic: { endpoint: string | undefined }
  /** The endpoint with its version, as in `https://aiplatform.googleapis.com/v1`. */
  vertex: { project: string | undefined; region: string; endpoint: string | undefined }
  logLevel: 'debug' | 'info' | 'warn' | 'error'
  logFormat: 'text' | 'json' | undefined
  limits: LimitsConfig
}

export interface AwsConfig {
  /** Undefined: nothing says where Bedrock is. */
  region: string | undefined
  profile: string | undefined
  wire: 'auto' | 'invoke' | 'messages' | 'mantle' | 'platform'
  runtimeEndpoint: string | undefined
  mantleEndpoint: string | undefined
  platformEndpoint: string | undefined
  /** On Claude Platform. */
  workspace: string | undefined
  fips: boolean
  dualStack: boolean
}

/** Bounds of one request. Bytes and milliseconds. */
export interface LimitsConfig {
  /** Bedrock takes bodies of up to 25,000,000 bytes. */
  bodyBytes: number
  /** Upstream silence after which the client gets a `ping`; its own watchdog acts after 300 s. */
  pingAfter: number
  /** How long an answer in one piece is waited for before white space keeps its connection alive. */
  wholeAfter: number
  /** Upstream silence after which a stream is given up; models that think unseen are silent for longer. */
  idleAfter: number
  thinkingIdleAfter: number
  /** How long an answer may take altogether. */
  totalAfter: number
  /** How long an upstream may take to answer at all. */
  firstByteAfter: number
}

export const LIMITS: LimitsConfig = {
  bodyBytes: 25_000_000,
  pingAfter: 15_000,
  wholeAfter: 45_000,
  idleAfter: 120_000,
  thinkingIdleAfter: 300_000,
  totalAfter: 3_600_000,
  firstByteAfter: 600_000,
}

/** Its message lists every variable that is wrong, one a line. */
export class ConfigError extends Error {}

/** @throws ConfigError naming each variable that is wrong and what it must be. */
export function readConfig(env: Record<string, string | undefined>): Config {
  const parsed = Environment.safeParse(env)
  if (!parsed.success) {
    throw new ConfigError(
      parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`).join('\n'),
    )
  }
  const value = parsed.data
  const missing = demands(value)
  if (missing.length > 0) throw new ConfigError(missing.join('\n'))
  return {
    host: value.HOST,
    port: value.PORT,
    publicUrl: value.PUBLIC_URL,
    dataDir: value.DATA_DIR,
    databaseUrl: value.DATABASE_URL,
    secretKeys: value.SECRET_KEY ?? [],
    adminToken: value.ADMIN_TOKEN,
    upstream: value.UPSTREAM,
    webSearch: webSearch(value),
    webFetch: value.WEB_FETCH === 'on',
    egress: { loopback: value.EGRESS_ALLOW_LOOPBACK, trusted: value.EGRESS_TRUSTED },
    aws: awsConfig(value),
    anthropic: { endpoint: value.ANTHROPIC_UPSTREAM_URL },
    vertex: {
      project: value.ANTHROPIC_VERTEX_PROJECT_ID,
      region: value.CLOUD_ML_REGION,
      endpoint: value.ANTHROPIC_VERTEX_BASE_URL,
    },
    logLevel: value.LOG_LEVEL,
    logFormat: value.LOG_FORMAT,
    limits: LIMITS,
  }
}

type Read = z.infer<typeof Environment>

function webSearch(value: Read): Config['webSearch'] {
  const { WEB_SEARCH: kind, WEB_SEARCH_API_KEY: apiKey, WEB_SEARCH_URL: at } = value
  if (kind === undefined) return undefined
  const settings = {
    ...(apiKey === undefined ? {} : { apiKey, token: apiKey }),
    ...(at === undefined ? {} : { url: at }),
  }
  return { kind, settings }
}

function awsConfig(value: Read): AwsConfig {
  const overrides = !value.AWS_IGNORE_CONFIGURED_ENDPOINT_URLS
  const override = (own: string | undefined) => (overrides ? (own ?? value.AWS_ENDPOINT_URL) : undefined)
  return {
    region: value.AWS_REGION ?? value.AWS_DEFAULT_REGION,
    profile: value.BEDROCK_PROFILE,
    wire: value.BEDROCK_WIRE,
    runtimeEndpoint: override(value.AWS_ENDPOINT_URL_BEDROCK_RUNTIME),
    mantleEndpoint: override(value.AWS_ENDPOINT_URL_BEDROCK_MANTLE),
    platformEndpoint: value.ANTHROPIC_AWS_BASE_URL,
    workspace: value.ANTHROPIC_AWS_WORKSPACE_ID,
    fips: value.AWS_USE_FIPS_ENDPOINT,
    dualStack: value.AWS_USE_DUALSTACK_ENDPOINT,
  }
}

/** What one variable asks of another. */
function demands(value: Read): string[] {
  const { UPSTREAM: upstream, BEDROCK_WIRE: wire } = value
  return [
    value.DATABASE_URL !== undefined &&
      !value.SECRET_KEY &&
      'SECRET_KEY must be set when DATABASE_URL is: every replica needs the same one (try: openssl rand -base64 32)',
    wire === 'platform' &&
      !value.ANTHROPIC_AWS_WORKSPACE_ID &&
      'ANTHROPIC_AWS_WORKSPACE_ID must be set when BEDROCK_WIRE is platform',
    value.AWS_USE_FIPS_ENDPOINT &&
      /mantle|platform/.test(wire) &&
      'BEDROCK_WIRE must be auto or invoke when AWS_USE_FIPS_ENDPOINT is set: there are no other FIPS endpoints',
    upstream === 'anthropic' &&
      !value.ANTHROPIC_API_KEY &&
      'ANTHROPIC_API_KEY must be set when UPSTREAM is anthropic',
    upstream === 'vertex' &&
      !value.ANTHROPIC_VERTEX_PROJECT_ID &&
      'ANTHROPIC_VERTEX_PROJECT_ID must be set when UPSTREAM is vertex',
  ].filter((sentence) => sentence !== false)
}

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text
}

function isStrong(token: string): boolean {
  return token.length >= MIN_TOKEN && new Set(token).size >= 10 && /^[\x21-\x7e]+$/.test(token)
}
