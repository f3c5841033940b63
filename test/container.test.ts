/**
 * The container, as far as that can be judged without an engine: what goes into the image, who runs in it, and what
 * deploy/compose.yaml allows it. test/whole/container.test.ts starts what the image is made of.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { Environment } from '../src/environment.ts'
import { commandOf, copies, inImage, REPOSITORY, stages } from './dockerfile.ts'

const text = (path: string) => readFileSync(join(REPOSITORY, path), 'utf8')

describe('the image', () => {
  const image = copies(stages().at(-1) ?? []).map(({ target }) => target)

  test('holds every file that the built gateway reads', () => {
    const migrations = readdirSync(join(REPOSITORY, 'drizzle')).filter((name) => name.endsWith('.sql'))
    expect(migrations.length).toBeGreaterThan(3)
    expect(image).toEqual(
      expect.arrayContaining([
        'package.json',
        'node_modules',
        'dist',
        'drizzle/meta/_journal.json',
        ...migrations.map((name) => `drizzle/${name}`),
      ]),
    )
  })

  test('takes from the repository only what is there and what .dockerignore lets through', () => {
    const [all, ...lets] = text('.dockerignore')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
    expect(all).toBe('*')
    const taken = stages()
      .flatMap(copies)
      .filter(({ from }) => from === undefined)
    expect(taken.length).toBeGreaterThan(5)
    for (const { source } of taken) {
      expect(existsSync(join(REPOSITORY, source)), source).toBe(true)
      expect(lets).toContain(`!${source.split('/')[0]}`)
    }
  })

  test('runs Node itself, by a number that is not root', () => {
    expect(inImage('USER')).toEqual([expect.stringMatching(/^[1-9]\d*:[1-9]\d*$/)])
    const { scripts } = JSON.parse(text('package.json'))
    expect(commandOf('CMD')).toEqual(scripts.start.split(' '))
    expect(scripts.start).toContain(' --no-memory-reducer --heap-growing-percent=200 ')
    expect(inImage('ENTRYPOINT')).toEqual([])
  })
})

interface Service {
  [key: string]: unknown
  environment?: Record<string, string>
}

describe('deploy/compose.yaml', () => {
  const file = parse(text('deploy/compose.yaml')) as {
    services: { gateway: Service; postgres: Service; redis: Service }
    networks: Record<string, unknown>
  }
  const { gateway, postgres, redis } = file.services

  test.each(Object.entries(file.services))(
    '%s has no root, no capability and a health check',
    (_, service) => {
      expect(service).toMatchObject({
        user: expect.not.stringMatching(/^(root|0)\b/),
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
        healthcheck: { test: expect.arrayContaining(['CMD']) },
      })
      expect(service).not.toHaveProperty('privileged')
      expect(service).not.toHaveProperty('cap_add')
    },
  )

  test('the gateway writes to /data and /tmp only', () => {
    expect(gateway).toMatchObject({
      read_only: true,
      user: inImage('USER')[0],
      volumes: [expect.stringMatching(/:\/data$/)],
      tmpfs: [expect.stringMatching(/^\/tmp:/)],
    })
  })

  test('nothing is reached from other machines, the stores not even from this one', () => {
    expect(gateway['ports']).toEqual([expect.stringMatching(/^127\.0\.0\.1:/)])
    for (const store of [postgres, redis]) {
      expect(store).not.toHaveProperty('ports')
      expect(store).toMatchObject({ networks: ['stores'] })
    }
    expect(file.networks['stores']).toEqual({ internal: true })
  })

  test('the gateway waits for no store, and stops before them', () => {
    expect(gateway['depends_on']).toEqual(['postgres', 'redis'])
  })

  test('it is killed only after it has drained and closed its books', () => {
    const [, minutes, seconds] = /^(\d+)m(\d+)s$/.exec(String(gateway['stop_grace_period'])) ?? []
    const grace = Number(minutes) * 60 + Number(seconds)
    const closing = ['LAST_WORDS', 'FLUSH', 'CLOSE'].reduce((sum, name) => sum + secondsOf(name), 0)
    expect(closing).toBeGreaterThan(0)
    expect(grace).toBeGreaterThanOrEqual(Number(gateway.environment?.['DRAIN_SECONDS']) + closing)
  })

  test('it does not start without its secrets, and says where they go', () => {
    const named = /\$\{(\w+):\?is needed in deploy\/\.env, see deploy\/\.env\.example\}/
    expect(gateway.environment).toMatchObject({
      SECRET_KEY: expect.stringMatching(named),
      ADMIN_TOKEN: expect.stringMatching(named),
      DATABASE_URL: expect.stringMatching(named),
    })
    expect(postgres.environment?.['POSTGRES_PASSWORD']).toMatch(named)
    for (const name of ['SECRET_KEY', 'ADMIN_TOKEN', 'POSTGRES_PASSWORD'])
      expect(text('deploy/.env.example')).toMatch(new RegExp(`^${name}=$`, 'm'))
  })

  test('every variable that it sets is one that the gateway reads', () => {
    const names = Object.keys(gateway.environment ?? {})
    expect(names.length).toBeGreaterThan(5)
    for (const name of names) expect(Environment.shape).toHaveProperty(name)
  })
})

/** A constant of the process's end, in seconds. */
function secondsOf(name: string): number {
  const source = text('src/host/run.ts') + text('src/host/open.ts')
  const [, milliseconds = '0'] = new RegExp(`^const ${name} = ([\\d_]+)`, 'm').exec(source) ?? []
  expect(milliseconds, name).not.toBe('0')
  return Number(milliseconds.replaceAll('_', '')) / 1_000
}
