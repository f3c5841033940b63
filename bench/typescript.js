/** Lets Node run TypeScript as it stands: `node --import ./bench/typescript.js bench/bench.ts`. */
import { readFile } from 'node:fs/promises'
import { register } from 'node:module'
import { fileURLToPath } from 'node:url'
import { isMainThread } from 'node:worker_threads'
import { transform } from 'esbuild'

// Node loads this file twice: here, and in the thread where its hooks run.
if (isMainThread) register(import.meta.url)

/** https://nodejs.org/api/module.html#loadurl-context-nextload */
export async function load(url, context, next) {
  if (!url.endsWith('.ts')) return next(url, context)
  const path = fileURLToPath(url)
  const source = await readFile(path, 'utf8')
  const { code } = await transform(source, { loader: 'ts', sourcefile: path, sourcemap: 'inline' })
  return { format: 'module', source: code, shortCircuit: true }
}
