/** Single facts about this installation, by name. */
import { eq } from 'drizzle-orm'
import type { Database } from './database.ts'
import { settings } from './tables/gateway.ts'

export interface Settings {
  get(name: string): Promise<unknown>
  put(name: string, value: unknown): Promise<void>
  /** False where there is no such setting. */
  drop(name: string): Promise<boolean>
  /** True for exactly one caller, however many processes ask: the one whose value now stands. */
  claim(name: string, value: unknown): Promise<boolean>
}

export function settingsIn(database: Database): Settings {
  return {
    async get(name) {
      const [row] = await database.select().from(settings).where(eq(settings.name, name))
      return row?.value
    },
    async put(name, value) {
      await database
        .insert(settings)
        .values({ name, value })
        .onConflictDoUpdate({ target: settings.name, set: { value } })
    },
    async drop(name) {
      const gone = await database
        .delete(settings)
        .where(eq(settings.name, name))
        .returning({ name: settings.name })
      return gone.length > 0
    },
    async claim(name, value) {
      const won = await database
        .insert(settings)
        .values({ name, value })
        .onConflictDoNothing()
        .returning({ name: settings.name })
      return won.length > 0
    },
  }
}
