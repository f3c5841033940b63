/** Configuration: environment variables in, one checked value out. Bad configuration names its variable. */
import { Environment, type Variables } from './environment.ts'

export type ProviderName = 'bedrock' | 'anthropic' | 'vertex'

export interface Config {
  host: string
  port: number
  /** How long answers under way may go on once the process has been told to end. */
  drainSeconds: number
  /** Processes behind one port. */
  workers: number
  /** Calls that one process has under way at most. */
  mostInFlight: number
  publicUrl: string | undefined
  /** Whose `x-forwarded-for` is believed. */
  trustedProxies: readonly string[]
  dataDir: string
  databaseUrl: string | undefined
  /** How long what is known of keys and settings is used while the database does not answer, in milliseconds. */
  outageGrace: number
  databaseWire: 'http' | 'websocket'
  /** Where rate limits are that replicas share; undefined: in this process. */
  sharedLimits: SharedLimits | undefined
  /** The first one writes, every one reads. Empty until an entry has generated one. */
  secretKeys: readonly string[]
  adminToken: string | undefined
  /** The first is the default. */
  upstreams: readonly ProviderName[]
  /** The engine for web searches, and its settings by their names. */
  webSearch: { kind: string; settings: Readonly<Record<string, string>> } | undefined
  /** Nano-dollars for one search by an engine. */
  webSearchFee: number
  webFetch: boolean
  egress: { loopback: boolean; trusted: readonly string[] }
  aws: AwsConfig
  /** Where AWS's price list is. */
  priceList: string
  anthropic: { endpoint: string | undefined }
  /** The endpoint with its version, as in `https://aiplatform.googleapis.com/v1`. */
  vertex: { project: string | undefined; region: string; endpoint: string | undefined }
  logLevel: 'debug' | 'info' | 'warn' | 'error'
  logFormat: 'text' | 'json' | undefined
  limits: LimitsConfig
}

export type SharedLimits = { kind: 'redis'; url: string } | { kind: 'upstash'; url: string; token: string }

export interface AwsConfig {
  /** Undefined: nothing says where Bedrock is. */
  region: string | undefined
  profile: string | undefined
  /** Which application inference profile each model goes through, as it was written. */
  profiles: string | undefined
  wire: 'auto' | 'invoke' | 'messages' | 'mantle' | 'platform'
  runtimeEndpoint: string | undefined
  controlEndpoint: string | undefined
  mantleEndpoint: string | undefined
  platformEndpoint: string | undefined
  /** Of the services that notices go through. */
  endpoints: Readonly<Record<'sns' | 'events' | 'email', string | undefined>>
  stsEndpoint: string | undefined
  quotasEndpoint: string | undefined
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
  /** How long one of several may take to begin before another one is tried beside it. */
  slowAfter: number
}

export const LIMITS: LimitsConfig = {
  bodyBytes: 25_000_000,
  pingAfter: 15_000,
  wholeAfter: 45_000,
  idleAfter: 120_000,
  thinkingIdleAfter: 300_000,
  totalAfter: 3_600_000,
  firstByteAfter: 600_000,
  slowAfter: 30_000,
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
    drainSeconds: value.DRAIN_SECONDS,
    workers: value.WORKERS,
    mostInFlight: value.MAX_IN_FLIGHT,
    publicUrl: value.PUBLIC_URL,
    trustedProxies: value.TRUSTED_PROXIES,
    dataDir: value.DATA_DIR,
    databaseUrl: value.DATABASE_URL,
    outageGrace: value.OUTAGE_GRACE_SECONDS * 1_000,
    databaseWire: value.DATABASE_WIRE,
    sharedLimits: sharedLimits(value),
    secretKeys: value.SECRET_KEY ?? [],
    adminToken: value.ADMIN_TOKEN,
    upstreams: value.UPSTREAM,
    webSearch: webSearch(value),
    webSearchFee: Math.round(value.WEB_SEARCH_FEE * 1_000_000),
    webFetch: value.WEB_FETCH === 'on',
    egress: { loopback: value.EGRESS_ALLOW_LOOPBACK, trusted: value.EGRESS_TRUSTED },
    aws: awsConfig(value),
    priceList: value.PRICE_LIST_URL,
    anthropic: { endpoint: value.ANTHROPIC_UPSTREAM_URL },
    vertex: {
      project: value.ANTHROPIC_VERTEX_PROJECT_ID,
      region: value.CLOUD_ML_REGION,
      endpoint: value.ANTHROPIC_VERTEX_BASE_URL,
    },
    logLevel: value.LOG_LEVEL,
    logFormat: value.LOG_FORMAT,
    limits: { ...LIMITS, slowAfter: value.SLOW_AFTER_SECONDS * 1_000 },
  }
}

function sharedLimits({
  REDIS_URL: redis,
  UPSTASH_REDIS_REST_URL: url,
  UPSTASH_REDIS_REST_TOKEN: token,
}: Variables): SharedLimits | undefined {
  if (redis !== undefined) return { kind: 'redis', url: redis }
  return url !== undefined && token !== undefined ? { kind: 'upstash', url, token } : undefined
}

function webSearch({
  WEB_SEARCH: kind,
  WEB_SEARCH_API_KEY: apiKey,
  WEB_SEARCH_URL: at,
}: Variables): Config['webSearch'] {
  if (kind === undefined) return undefined
  const settings = {
    ...(apiKey === undefined ? {} : { apiKey, token: apiKey }),
    ...(at === undefined ? {} : { url: at }),
  }
  return { kind, settings }
}

function awsConfig(value: Variables): AwsConfig {
  const overrides = !value.AWS_IGNORE_CONFIGURED_ENDPOINT_URLS
  const override = (own: string | undefined) => (overrides ? (own ?? value.AWS_ENDPOINT_URL) : undefined)
  return {
    region: value.AWS_REGION ?? value.AWS_DEFAULT_REGION,
    profile: value.BEDROCK_PROFILE,
    profiles: value.BEDROCK_APPLICATION_PROFILES,
    wire: value.BEDROCK_WIRE,
    runtimeEndpoint: override(value.AWS_ENDPOINT_URL_BEDROCK_RUNTIME),
    controlEndpoint: override(value.AWS_ENDPOINT_URL_BEDROCK),
    mantleEndpoint: override(value.AWS_ENDPOINT_URL_BEDROCK_MANTLE),
    platformEndpoint: value.ANTHROPIC_AWS_BASE_URL,
    endpoints: {
      sns: override(value.AWS_ENDPOINT_URL_SNS),
      events: override(value.AWS_ENDPOINT_URL_EVENTBRIDGE),
      email: override(value.AWS_ENDPOINT_URL_SESV2),
    },
    stsEndpoint: override(value.AWS_ENDPOINT_URL_STS)?.replace(/\/+$/, ''),
    quotasEndpoint: override(value.AWS_ENDPOINT_URL_SERVICE_QUOTAS)?.replace(/\/+$/, ''),
    workspace: value.ANTHROPIC_AWS_WORKSPACE_ID,
    fips: value.AWS_USE_FIPS_ENDPOINT,
    dualStack: value.AWS_USE_DUALSTACK_ENDPOINT,
  }
}

/** What one variable asks of another. */
function demands(value: Variables): string[] {
  const { UPSTREAM: upstreams, BEDROCK_WIRE: wire } = value
  return [
    value.DATABASE_URL !== undefined &&
      !value.SECRET_KEY &&
      'SECRET_KEY must be set when DATABASE_URL is: every replica needs the same one (try: openssl rand -base64 32)',
    (value.UPSTASH_REDIS_REST_URL === undefined) !== (value.UPSTASH_REDIS_REST_TOKEN === undefined) &&
      'UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN must be set together, or neither',
    value.REDIS_URL !== undefined &&
      value.UPSTASH_REDIS_REST_URL !== undefined &&
      'REDIS_URL and UPSTASH_REDIS_REST_URL must not both be set: rate limits live in one of them',
    value.WORKERS > 1 &&
      value.DATABASE_URL === undefined &&
      'DATABASE_URL must be set when WORKERS is more than 1: the embedded database takes one process at a time',
    wire === 'platform' &&
      !value.ANTHROPIC_AWS_WORKSPACE_ID &&
      'ANTHROPIC_AWS_WORKSPACE_ID must be set when BEDROCK_WIRE is platform',
    value.AWS_USE_FIPS_ENDPOINT &&
      /mantle|platform/.test(wire) &&
      'BEDROCK_WIRE must be auto or invoke when AWS_USE_FIPS_ENDPOINT is set: there are no other FIPS endpoints',
    upstreams.includes('anthropic') &&
      !value.ANTHROPIC_API_KEY &&
      'ANTHROPIC_API_KEY must be set when UPSTREAM has anthropic',
    upstreams.includes('vertex') &&
      !value.ANTHROPIC_VERTEX_PROJECT_ID &&
      'ANTHROPIC_VERTEX_PROJECT_ID must be set when UPSTREAM has vertex',
  ].filter((sentence) => sentence !== false)
}
