/** Configuration: environment variables in, one checked value out. Bad configuration names its variable. */
import { z } from 'zod'

/** A variable that is set to nothing counts as not set: compose files and shells produce such. */
const text = z.preprocess((value) => (value === '' ? undefined : value), z.string().optional())

const url = text.refine(
  (value) => value === undefined || /^https?:\/\//.test(value),
  'must be an http(s) URL',
)
const flag = text.transform((value) => value === 'true' || value === '1')
const region = text.refine(
  (value) => value === undefined || /^[a-z]{2,4}(-[a-z]+)+-\d+$/.test(value),
  'must be an AWS region such as us-east-1',
)

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
  DATABASE_URL: text.refine(
    (value) => value === undefined || /^postgres(ql)?:\/\//.test(value),
    'must start with postgres://',
  ),
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
  AWS_REGION: region,
  AWS_DEFAULT_REGION: region,
  /** Which inference profiles a plain model name is served by: a prefix such as `eu` or `global`. */
  BEDROCK_PROFILE: text.refine(
    (value) => value === undefined || /^[a-z]+(-[a-z]+)?$/.test(value),
    'must be an inference-profile prefix such as us, eu or global',
  ),
  AWS_ENDPOINT_URL: url,
  AWS_ENDPOINT_URL_BEDROCK_RUNTIME: url,
  AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: flag,
  AWS_USE_FIPS_ENDPOINT: flag,
  AWS_USE_DUALSTACK_ENDPOINT: flag,
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
  aws: AwsConfig
  logLevel: 'debug' | 'info' | 'warn' | 'error'
  logFormat: 'text' | 'json' | undefined
  limits: LimitsConfig
}

export interface AwsConfig {
  /** Undefined: nothing says where Bedrock is. */
  region: string | undefined
  profile: string | undefined
  runtimeEndpoint: string | undefined
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
  if (value.DATABASE_URL && !value.SECRET_KEY) {
    throw new ConfigError(
      'SECRET_KEY must be set when DATABASE_URL is: every replica needs the same one (try: openssl rand -base64 32)',
    )
  }
  const overrides = !value.AWS_IGNORE_CONFIGURED_ENDPOINT_URLS
  return {
    host: value.HOST,
    port: value.PORT,
    publicUrl: value.PUBLIC_URL,
    dataDir: value.DATA_DIR,
    databaseUrl: value.DATABASE_URL,
    secretKeys: value.SECRET_KEY ?? [],
    adminToken: value.ADMIN_TOKEN,
    aws: {
      region: value.AWS_REGION ?? value.AWS_DEFAULT_REGION,
      profile: value.BEDROCK_PROFILE,
      runtimeEndpoint: overrides
        ? (value.AWS_ENDPOINT_URL_BEDROCK_RUNTIME ?? value.AWS_ENDPOINT_URL)
        : undefined,
      fips: value.AWS_USE_FIPS_ENDPOINT,
      dualStack: value.AWS_USE_DUALSTACK_ENDPOINT,
    },
    logLevel: value.LOG_LEVEL,
    logFormat: value.LOG_FORMAT,
    limits: LIMITS,
  }
}

function isStrong(token: string): boolean {
  return token.length >= MIN_TOKEN && new Set(token).size >= 10 && /^[\x21-\x7e]+$/.test(token)
}
