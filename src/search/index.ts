/** Every search engine there is, by the kind its settings carry. */
import { brave } from './brave.ts'
import { custom } from './custom.ts'
import { duckduckgo } from './duckduckgo.ts'
import type { Engine } from './engine.ts'
import { searxng } from './searxng.ts'
import { serper } from './serper.ts'
import { tavily } from './tavily.ts'

export const engines: Readonly<Record<string, Engine>> = {
  brave,
  custom,
  duckduckgo,
  searxng,
  serper,
  tavily,
}
