/** What the tests in workerd are bound to: vitest.config.ts. */
declare module 'cloudflare:workers' {
  export const env: { HYPERDRIVE?: { connectionString: string } }
}
