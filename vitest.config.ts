import { cloudflareTest } from '@cloudflare/vitest-plugin'
import { defineConfig } from 'vitest/config'
import { runtimesReporter } from './test/runtimes/reporter.ts'

/** `unit` is part of `npm run check`; `whole` starts real processes and real services; `edge` runs in workerd. */
export default defineConfig({
  test: {
    reporters: ['default', runtimesReporter],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/whole/**', 'test/client/**', 'test/workerd/**', 'test/runtimes/**'],
          testTimeout: 20_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'whole',
          include: ['test/whole/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        plugins: [
          cloudflareTest(({ inject }) => ({
            miniflare: {
              compatibilityDate: '2026-08-01',
              compatibilityFlags: ['nodejs_compat'],
              hyperdrives: hyperdrives(inject('services').hyperdrive),
            },
          })),
        ],
        test: {
          name: 'edge',
          include: ['test/workerd/**/*.test.ts'],
          globalSetup: ['test/workerd/services.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'runtimes',
          include: ['test/runtimes/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // Each suite waits for most of its minute, so all of them at once; after all others, which measure times.
          maxWorkers: 5,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'bench',
          include: ['bench/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 90_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'client',
          include: ['test/client/**/*.test.ts'],
          // Not a test: writes test/fixtures/requests anew.
          exclude: process.env['OUTCROP_RECORD'] ? [] : ['test/client/record.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 900_000,
          maxWorkers: 3,
        },
      },
    ],
  },
})

function hyperdrives(url: string): Record<string, string> {
  return url === '' ? {} : { HYPERDRIVE: url }
}
