import { describe } from 'vitest'
import { inMemory } from './databases.ts'
import { noticeSuite } from './noticesuite.ts'

describe('the embedded database', () => noticeSuite(inMemory))
