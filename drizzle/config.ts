/** `npm run db:generate` writes the next migration from the schema. */
import { defineConfig } from 'drizzle-kit'

export default defineConfig({ dialect: 'postgresql', schema: './src/data/tables/*.ts', out: './drizzle' })
