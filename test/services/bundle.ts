/** The Worker in one file, bundled as Workers resolve modules, and what went into it. */
import { build, type Metafile } from 'esbuild'

const ENTRY = new URL('../../src/worker.ts', import.meta.url).pathname

interface Wish {
  /** Instead of src/worker.ts. */
  entry?: string | undefined
  /** As in wrangler.toml. */
  minify?: boolean
}

/** https://esbuild.github.io/api/#metafile */
export async function bundleWorker(
  outfile: string,
  { entry = ENTRY, minify = true }: Wish = {},
): Promise<Metafile> {
  const { metafile } = await build({
    entryPoints: [entry],
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
