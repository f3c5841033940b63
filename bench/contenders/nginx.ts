/** nginx, passing bytes through: the floor for any proxy. https://nginx.org/en/docs/http/ngx_http_proxy_module.html */
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from '../../test/services/ports.ts'
import { homeFor, startChild } from './child.ts'
import { bedrockTarget, type Contender } from './contender.ts'

export const nginx: Contender = {
  name: 'nginx',
  title: 'nginx, a dumb proxy',
  async start({ upstream }) {
    const version = await versionOf()
    const home = await homeFor('nginx')
    const port = await freePort()
    await writeFile(join(home, 'nginx.conf'), configuration(home, port, upstream))
    const child = await startChild(home, port, ['nginx', '-p', home, '-c', 'nginx.conf', '-e', 'stderr'])
    return { ...child, version, target: (stream) => bedrockTarget(port, stream) }
  },
}

async function versionOf(): Promise<string> {
  const { stderr } = await promisify(execFile)('nginx', ['-v']).catch(() => {
    throw new Error('nginx was not found. On Debian: apt-get install nginx-light.')
  })
  return /nginx\/(\S+)/.exec(stderr)?.[1] ?? ''
}

/** One process: with a master above it, it would change its user, and not reach its files. */
const configuration = (home: string, port: number, upstream: number) => `
daemon off;
master_process off;
pid ${home}/pid;
error_log stderr crit;
worker_rlimit_nofile 20000;
events { worker_connections 16000; }
http {
  access_log off;
  client_max_body_size 32m;
  client_body_buffer_size 2m;
  client_body_temp_path ${home}/body;
  proxy_temp_path ${home}/proxy;
  fastcgi_temp_path ${home}/fastcgi;
  uwsgi_temp_path ${home}/uwsgi;
  scgi_temp_path ${home}/scgi;
  keepalive_requests 10000000;
  upstream bedrock { server 127.0.0.1:${upstream}; keepalive 256; keepalive_requests 10000000; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass http://bedrock;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
      proxy_read_timeout 600s;
    }
  }
}
`
