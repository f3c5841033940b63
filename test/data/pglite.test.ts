import { describe } from 'vitest'
import { inMemory } from './databases.ts'
import { dataSuite } from './suite.ts'

describe('the embedded database', () => dataSuite(inMemory))
