/** Principals for tests: a key that nothing holds back, but for what is said. */
import type { Principal } from '../../src/gateway/authenticate.ts'

export function principalWith(more: Partial<Principal> = {}): Principal {
  return {
    keyId: 'key_1',
    keyName: 'test',
    userId: null,
    teamId: null,
    models: undefined,
    limits: [],
    budgets: [],
    ...more,
  }
}
