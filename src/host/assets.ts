/** Static files where there is a disk: read once, so that no path of a request ever reaches the file system. */
import { readdir, readFile } from 'node:fs/promises'
import { extname, join, relative, sep } from 'node:path'
import type { Runtime } from '../runtime.ts'

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
}

/** The files below a folder by their paths; of a folder that is not there, none. What is no asset's type is left out. */
export async function assetsIn(folder: string): Promise<NonNullable<Runtime['assets']>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  const files = new Map<string, { bytes: Uint8Array<ArrayBuffer>; type: string }>()
  for (const entry of entries) {
    const type = TYPES[extname(entry.name)]
    if (!entry.isFile() || type === undefined) continue
    const path = join(entry.parentPath, entry.name)
    const name = `/${relative(folder, path).split(sep).join('/')}`
    files.set(name.replace(/\/index\.html$/, '/'), { bytes: new Uint8Array(await readFile(path)), type })
  }
  return async (request) => {
    const file = files.get(new URL(request.url).pathname)
    return (
      file && new Response(file.bytes, { headers: { 'content-type': file.type, 'cache-control': CACHING } })
    )
  }
}

/** Names say nothing of what is in them: it may be another thing tomorrow. */
const CACHING = 'public, max-age=300'
