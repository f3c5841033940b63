/** Surveys in the embedded database. */
import { inMemory } from './databases.ts'
import { surveySuite } from './surveysuite.ts'

surveySuite(inMemory)
