/**
 * Whether the database has the schema that this build was made for. Drizzle notes each migration it ran with the time
 * it was generated at, as the journal beside the migrations has it. https://orm.drizzle.team/docs/migrations
 */
import { max, sql } from 'drizzle-orm'
import { bigint, pgSchema } from 'drizzle-orm/pg-core'
import journal from '../../drizzle/meta/_journal.json' with { type: 'json' }
import { ConfigError } from '../config.ts'
import { codeOf } from '../protocol/codes.ts'
import type { Database } from './database.ts'

/** Drizzle's own table. */
const migrations = pgSchema('drizzle').table('__drizzle_migrations', {
  createdAt: bigint('created_at', { mode: 'number' }),
})

export interface Standing {
  kind: 'equal' | 'older' | 'newer'
  /** What the database has: `schema 0002`. */
  found: string
  /** What is so, and what to do about it, in one sentence. */
  sentence: string
}

/** Rejects where the database does not answer: that is an outage, and no standing. */
export async function standingOf(database: Database): Promise<Standing> {
  const ran = await ranIn(database)
  const { when, tag } = newest()
  const needed = `this version needs ${numberOf(tag)}`
  const kind = ran.newest === when ? 'equal' : ran.newest < when ? 'older' : 'newer'
  const found = ran.count === 0 ? 'no schema yet' : `schema ${numbered(ran.count - 1)}`
  return { kind, found, sentence: `The database has ${found}, ${needed}: ${REMEDY[kind]}` }
}

const REMEDY: Readonly<Record<Standing['kind'], string>> = {
  equal: 'nothing is to be done.',
  older: 'run npm run db:migrate.',
  newer: 'run a newer version of Outcrop.',
}

/** @throws ConfigError where a newer version has been at work on it: what that means, this one cannot know. */
export async function refuseNewer(database: Database): Promise<Standing> {
  const standing = await standingOf(database)
  if (standing.kind === 'newer') throw new ConfigError(standing.sentence)
  return standing
}

function newest(): { when: number; tag: string } {
  const last = journal.entries.at(-1)
  if (!last) throw new Error('the journal of migrations is empty')
  return last
}

/** `0002_searches` is known as 0002. */
function numberOf(tag: string): string {
  return tag.slice(0, tag.indexOf('_'))
}

function numbered(index: number): string {
  return String(index).padStart(4, '0')
}

async function ranIn(database: Database): Promise<{ newest: number; count: number }> {
  try {
    const [ran] = await database
      .select({ newest: max(migrations.createdAt), count: sql`count(*)`.mapWith(Number) })
      .from(migrations)
    return { newest: ran?.newest ?? 0, count: ran?.count ?? 0 }
  } catch (error) {
    if (isMissing(error)) return { newest: 0, count: 0 }
    throw error
  }
}

/** SQLSTATE of a table, or of a schema, that is not there. */
function isMissing(error: unknown): boolean {
  return /^(?:42P01|3F000)$/.test(codeOf(error))
}
