/** The Worker in one file, bundled as Workers resolve modules, and what went into it. */
import { build, type Metafile } from 'esbuild'

export const ENTRY = new URL('../../src/worker.ts', import.meta.url).pathname

/** https://esbuild.github.io/api/#metafile; `minify` as `wrangler deploy --minify` does. */
export async function bundleWorker(outfile: string, { minify = false } = {}): Promise<Metafile> {
  const { metafile } = await build({
    entryPoints: [ENTRY],
    outfile,
    minify,
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    conditions: ['workerd', 'worker', 'browser', 'import'],
    external: ['node:*', 'cloudflare:*'],
    metafile: true,
    logLevel: 'error',
  })
  return metafile
}
