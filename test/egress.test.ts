import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { unpinnedEgress } from '../src/edge/unpinned.ts'
import {
  EgressError,
  type EgressLent,
  type EgressWish,
  egress,
  egressFetch,
  type Outgoing,
} from '../src/egress.ts'

const WISH: EgressWish = { timeout: 1_000, maxBytes: 1_000 }
const PUBLIC = '93.184.215.14'

type Sent = Outgoing & { addresses: readonly string[] }

interface Script {
  loopback?: boolean
  /** What names lead to; each time the next list, the last one for ever. Others lead nowhere. */
  names?: Record<string, readonly (readonly string[])[]>
  /** What is answered under a URL; `ok` elsewhere. */
  answers?: Record<string, () => Response | Promise<Response>>
}

/** A runtime that writes down what was asked of it. */
function lentBy({ loopback = false, names = {}, answers = {} }: Script = {}) {
  const sent: Sent[] = []
  const asked: string[] = []
  const lent: EgressLent = {
    pins: true,
    loopback,
    async resolve(name) {
      const answer = names[name]?.[asked.filter((each) => each === name).length] ?? names[name]?.at(-1)
      asked.push(name)
      if (!answer) throw new Error(`queryA ENOTFOUND ${name} at 10.0.0.2`)
      return answer
    },
    async send(request) {
      sent.push(request)
      return answers[request.url.href]?.() ?? new Response('ok')
    },
  }
  return { lent, sent, asked }
}

const redirectTo =
  (location: string, status = 302) =>
  () =>
    new Response('moved', { status, headers: { location } })

const error = (reason: EgressError['reason']) =>
  expect.objectContaining({ name: 'EgressError', type: 'invalid_request_error', reason })

describe('a URL that must not be gone to', () => {
  const INSIDE = {
    'inside.example': [['10.0.0.7']],
    'half.example': [[PUBLIC, '192.168.1.1']],
    'half6.example': [[PUBLIC, 'fe80::1']],
    'mapped.example': [['::ffff:169.254.169.254']],
    'nat64.example': [['64:ff9b::a00:1']],
    'local64.example': [['64:ff9b:1::808:808']],
    '6to4.example': [['2002:7f00:1::1']],
    'teredo.example': [['2001:0:4136:e378:8000:63bf:3fff:fdd2']],
    'zone.example': [['fe80::1%2']],
    'odd.example': [['not an address']],
    'none.example': [[]],
    'loopback.example': [['127.0.0.1']],
    'any.example': [['0.0.0.0']],
    'azure.example': [['168.63.129.16']],
    'alibaba.example': [['100.100.100.200']],
  }

  test.each([
    // not https
    'http://site.example/',
    'http://93.184.215.14/',
    'http://127.0.0.1/',
    'HTTP://site.example',
    // loopback and the unspecified address, in every disguise
    'https://127.0.0.1/',
    'https://127.0.0.1:8443/',
    'https://127.0.0.1./',
    'https://127.1/',
    'https://127.0.1/',
    'https://127.255.255.254/',
    'https://2130706433/',
    'https://017700000001/',
    'https://0177.0.0.1/',
    'https://0x7f.0.0.1/',
    'https://0x7f000001/',
    'https://0x7f.1/',
    'https://0X7F.0X0.0X0.0X1/',
    'https://0000000000000177.0.0.1/',
    'https://%31%32%37.0.0.1/',
    'https://127%2e0%2e0%2e1/',
    'https://127。0。0。1/',
    'https://127．0．0．1/',
    'https://１２７.0.0.1/',
    'https://①②⑦.⓪.⓪.①/',
    'https://0/',
    'https://0.0.0.0/',
    'https://0x0/',
    'https://[::]/',
    'https://[::1]/',
    'https://[::1]:8443/',
    'https://[0:0:0:0:0:0:0:1]/',
    'https://[0000:0000:0000:0000:0000:0000:0000:0001]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:7f00:1]/',
    'https://[::ffff:0:127.0.0.1]/',
    'https://[::127.0.0.1]/',
    'https://localhost/',
    'https://LOCALHOST/',
    'https://localhost./',
    'https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/',
    'https://foo.localhost/',
    'https://localhost.localdomain/',
    // metadata
    'https://169.254.169.254/latest/meta-data/',
    'https://2852039166/',
    'https://0xa9fea9fe/',
    'https://0251.0376.0251.0376/',
    'https://169.254.43518/',
    'https://[::ffff:a9fe:a9fe]/',
    'https://[64:ff9b::169.254.169.254]/',
    'https://[64:ff9b:1::a9fe:a9fe]/',
    'https://[2002:a9fe:a9fe::]/',
    'https://[fd00:ec2::254]/',
    'https://[fd20:ce::254]/',
    'https://168.63.129.16/',
    'https://100.100.100.200/',
    'https://192.0.0.192/',
    'https://metadata.google.internal/',
    'https://metadata/',
    // somebody's own networks
    'https://10.0.0.1/',
    'https://012.0.0.1/',
    'https://167772161/',
    'https://172.16.0.1/',
    'https://172.31.255.255/',
    'https://192.168.0.1/',
    'https://192.168.1/',
    'https://100.64.0.1/',
    'https://198.18.0.1/',
    'https://192.0.2.1/',
    'https://198.51.100.1/',
    'https://203.0.113.1/',
    'https://224.0.0.1/',
    'https://240.0.0.1/',
    'https://255.255.255.255/',
    'https://[fc00::1]/',
    'https://[fd12:3456::1]/',
    'https://[fe80::1]/',
    'https://[fec0::1]/',
    'https://[ff02::1]/',
    'https://[2001:db8::1]/',
    'https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/',
    'https://[2606:4700::5efe:10.0.0.1]/',
    'https://intranet/',
    'https://printer.local/',
    'https://wiki.corp/',
    'https://router.home.arpa/',
    'https://nas.lan./',
    'https://a..internal/',
    // ports
    'https://site.example:22/',
    'https://site.example:25/',
    'https://site.example:0/',
    'https://93.184.215.14:80/',
    // names that lead inside, or nowhere
    ...Object.keys(INSIDE).map((name) => `https://${name}/`),
    'https://unknown.example/',
  ])('%s is refused before anything is sent', async (url) => {
    const { lent, sent } = lentBy({ names: { ...INSIDE, 'site.example': [[PUBLIC]] } })
    await expect(egress(url, WISH, lent)).rejects.toEqual(error('refused'))
    expect(sent).toEqual([])
  })

  test.each([
    '',
    'site.example',
    '//site.example/',
    'https://',
    'https:///',
    'file:///etc/passwd',
    'ftp://site.example/',
    'gopher://127.0.0.1:6379/_INFO',
    'data:text/plain,hi',
    'blob:https://site.example/1',
    'javascript:alert(1)',
    'unix:/var/run/docker.sock',
    'ws://site.example/',
    'https://user@site.example/',
    'https://user:word@site.example/',
    'https://site.example@127.0.0.1/',
    'https://site.example:443@127.0.0.1/',
    'https://127.0.0.1\\@site.example/',
    'https:\\\\site.example\\',
    'https://site.example\t/',
    'https://127.0.0.1\r\nhost: site.example/',
    ' https://site.example/',
    'https://site.example/\u202e',
    'https://[fe80::1%25eth0]/',
    'https://[::1%2525lo]/',
    'https://[::1/',
    'https://[127.0.0.1]/',
    'https://1.2.3.4.5/',
    'https://256.0.0.1/',
    'https://0x100000000/',
    'https://site.example:65536/',
    'https://site example/',
    'https://site%00.example/',
    `https://site.example/${'x'.repeat(9_000)}`,
  ])('%j is no URL to fetch', async (url) => {
    const { lent, sent, asked } = lentBy({ names: { 'site.example': [[PUBLIC]] } })
    await expect(egress(url, WISH, lent)).rejects.toEqual(error('invalid'))
    expect([sent, asked]).toEqual([[], []])
  })

  test('no sentence tells where a name leads, nor whether it leads anywhere', async () => {
    const { lent } = lentBy({ names: INSIDE })
    const sentences = new Set<string>()
    for (const name of [...Object.keys(INSIDE), 'unknown.example']) {
      const thrown: unknown = await egress(`https://${name}/`, WISH, lent).catch((each: unknown) => each)
      sentences.add(thrown instanceof EgressError ? thrown.message : 'nothing')
    }
    expect([...sentences]).toEqual(['The URL does not lead to a public address.'])
  })

  test('names of somebody’s own network are not even asked for', async () => {
    const { lent, asked } = lentBy({ names: { 'db.internal': [[PUBLIC]], intranet: [[PUBLIC]] } })
    await expect(egress('https://db.internal/', WISH, lent)).rejects.toEqual(error('refused'))
    await expect(egress('https://intranet/', WISH, lent)).rejects.toEqual(error('refused'))
    expect(asked).toEqual([])
  })
})

describe('a public URL', () => {
  test.each([
    ['https://site.example/', [PUBLIC]],
    ['https://SITE.example:443/a?b=c', [PUBLIC]],
    ['https://site.example./', [PUBLIC]],
    ['https://site.example:8443/', [PUBLIC]],
    ['https://six.example/', ['2606:4700::1111', '1.1.1.1']],
    ['https://sixonly.example/', ['64:ff9b::808:808']],
    ['https://bücher.example/', ['1.0.0.1']],
    ['https://93.184.215.14/', [PUBLIC]],
    ['https://[2606:4700::1111]/', ['2606:4700::1111']],
    ['https://127.0.0.1.example/', ['8.8.8.8']],
  ])('%s is fetched from the addresses that were judged', async (url, addresses) => {
    const { lent, sent } = lentBy({
      names: {
        'site.example': [[PUBLIC]],
        'six.example': [['2606:4700::1111', '1.1.1.1']],
        'sixonly.example': [['64:ff9b::808:808']],
        'xn--bcher-kva.example': [['1.0.0.1']],
        '127.0.0.1.example': [['8.8.8.8']],
      },
    })
    const answer = await egress(url, WISH, lent)
    expect(answer).toMatchObject({ status: 200, mediaType: 'text/plain' })
    expect(new TextDecoder().decode(answer.body)).toBe('ok')
    expect(sent.map((each) => each.addresses)).toEqual([addresses])
  })

  test('a name that is public when asked and private a moment later wins nothing', async () => {
    const { lent, sent, asked } = lentBy({ names: { 'rebind.example': [[PUBLIC], ['127.0.0.1']] } })
    await egress('https://rebind.example/', WISH, lent)
    expect(asked).toEqual(['rebind.example'])
    expect(sent.map(({ addresses }) => addresses)).toEqual([[PUBLIC]])
    await expect(egress('https://rebind.example/', WISH, lent)).rejects.toEqual(error('refused'))
  })

  test('gets our headers and the caller’s, but none that is ours to say', async () => {
    const { lent, sent } = lentBy({ names: { 'site.example': [[PUBLIC]] } })
    const headers = {
      'x-api-key': 'mine',
      Host: 'inside.example',
      Cookie: 'a=b',
      'User-Agent': 'other',
      'Accept-Encoding': 'gzip',
      'Transfer-Encoding': 'chunked',
      'Content-Length': '5',
      'Proxy-Authorization': 'x',
    }
    await egress('https://site.example/', { ...WISH, method: 'POST', body: '{}', headers }, lent)
    expect(Object.fromEntries(sent[0]?.headers ?? [])).toEqual({
      accept: '*/*',
      'accept-encoding': 'identity',
      'user-agent': 'Outcrop',
      'x-api-key': 'mine',
    })
    expect(sent[0]).toMatchObject({ method: 'POST', body: '{}' })
  })

  test('answers without its cookies, whatever its status', async () => {
    const headers = { 'set-cookie': 'a=b', 'content-type': 'Text/HTML; charset=utf-8', 'retry-after': '7' }
    const answers = { 'https://1.1.1.1/': () => new Response('busy', { status: 429, headers }) }
    const answer = await egress('https://1.1.1.1/', WISH, lentBy({ answers }).lent)
    expect(answer).toMatchObject({ status: 429, mediaType: 'text/html', url: 'https://1.1.1.1/' })
    expect([answer.headers.get('set-cookie'), answer.headers.get('retry-after')]).toEqual([null, '7'])
  })
})

describe('a redirect', () => {
  const names = { 'a.example': [[PUBLIC]], 'b.example': [['1.1.1.1']], 'inside.example': [['10.0.0.1']] }
  const secret = { authorization: 'Bearer mine', 'x-api-key': 'mine', accept: 'image/*' }

  test('is not followed unless that is asked for', async () => {
    const { lent, sent } = lentBy({ names, answers: { 'https://a.example/': redirectTo('/two') } })
    await expect(egress('https://a.example/', WISH, lent)).rejects.toEqual(error('redirected'))
    expect(sent).toHaveLength(1)
  })

  test.each([301, 302, 303, 307, 308])(
    'with status %i is followed, credentials and all, within an origin',
    async (status) => {
      const { lent, sent } = lentBy({ names, answers: { 'https://a.example/': redirectTo('two?x', status) } })
      const answer = await egress('https://a.example/', { ...WISH, redirects: 1, headers: secret }, lent)
      expect(answer.url).toBe('https://a.example/two?x')
      expect(sent[1]?.headers.get('authorization')).toBe('Bearer mine')
    },
  )

  test('to another origin takes no credentials along, not even back', async () => {
    const answers = {
      'https://a.example/': redirectTo('https://b.example/two'),
      'https://b.example/two': redirectTo('https://a.example/three'),
    }
    const { lent, sent } = lentBy({ names, answers })
    await egress('https://a.example/', { ...WISH, redirects: 2, headers: secret }, lent)
    expect(sent.map(({ url, addresses }) => [url.href, addresses])).toEqual([
      ['https://a.example/', [PUBLIC]],
      ['https://b.example/two', ['1.1.1.1']],
      ['https://a.example/three', [PUBLIC]],
    ])
    for (const { headers } of sent.slice(1)) {
      expect([...headers.keys()]).toEqual(['accept', 'accept-encoding', 'user-agent'])
      expect(headers.get('accept')).toBe('image/*')
    }
  })

  test('to another port or scheme is to another origin', async () => {
    const answers = { 'https://a.example/': redirectTo('https://a.example:8443/') }
    const { lent, sent } = lentBy({ names, answers })
    await egress('https://a.example/', { ...WISH, redirects: 1, headers: secret }, lent)
    expect(sent[1]?.headers.get('authorization')).toBeNull()
  })

  test.each([
    ['https://127.0.0.1/', 'refused'],
    ['http://b.example/', 'refused'],
    ['//169.254.169.254/latest', 'refused'],
    ['https://inside.example/', 'refused'],
    ['https://localhost/', 'refused'],
    ['https://[::ffff:10.0.0.1]/', 'refused'],
    ['https://user:word@b.example/', 'invalid'],
    ['file:///etc/passwd', 'invalid'],
    ['https://[', 'invalid'],
  ] as const)('to %s is judged anew', async (location, reason) => {
    const { lent, sent } = lentBy({ names, answers: { 'https://a.example/': redirectTo(location) } })
    await expect(egress('https://a.example/', { ...WISH, redirects: 5 }, lent)).rejects.toEqual(error(reason))
    expect(sent).toHaveLength(1)
  })

  test('is followed so many times and no more', async () => {
    const { lent, sent } = lentBy({ names, answers: { 'https://a.example/': redirectTo('/') } })
    await expect(egress('https://a.example/', { ...WISH, redirects: 3 }, lent)).rejects.toEqual(
      error('redirected'),
    )
    expect(sent).toHaveLength(4)
  })

  test('is let go of before the next URL is gone to', async () => {
    const order: string[] = []
    const moved = () => {
      const body = new ReadableStream({ cancel: () => void order.push('let go') })
      return new Response(body, { status: 302, headers: { location: '/two' } })
    }
    const two = () => {
      order.push('two')
      return new Response('ok')
    }
    const answers = { 'https://a.example/': moved, 'https://a.example/two': two }
    await egress('https://a.example/', { ...WISH, redirects: 1 }, lentBy({ names, answers }).lent)
    expect(order).toEqual(['let go', 'two'])
  })

  test('of a POST is not followed', async () => {
    const { lent } = lentBy({ names, answers: { 'https://a.example/': redirectTo('/two', 307) } })
    await expect(
      egress('https://a.example/', { ...WISH, method: 'POST', redirects: 3 }, lent),
    ).rejects.toEqual(error('redirected'))
  })

  test('from the public into what only our settings open is refused', async () => {
    const answers = { 'https://a.example/': redirectTo('http://127.0.0.1:9/') }
    const { lent, sent } = lentBy({ loopback: true, names, answers })
    const wish = { ...WISH, redirects: 1, trusted: ['http://127.0.0.1:9'] }
    await expect(egress('https://a.example/', wish, lent)).rejects.toEqual(error('refused'))
    expect(sent).toHaveLength(1)
  })
})

describe('settings', () => {
  const names = { 'search.corp': [['10.0.0.9']], 'odd.corp': [['169.254.169.254']], searx: [['172.18.0.4']] }

  test.each(['http://127.0.0.1:8000/', 'http://localhost:8000/', 'https://[::1]/', 'http://a.localhost:22/'])(
    'where loopback is allowed, %s may be reached',
    async (url) => {
      const { lent, sent } = lentBy({ loopback: true })
      await egress(url, WISH, lent)
      expect(sent).toHaveLength(1)
    },
  )

  test.each(['http://10.0.0.1/', 'http://1.1.1.1/', 'https://10.0.0.1/', 'http://0.0.0.0/', 'http://[::]/'])(
    'where loopback is allowed, %s still may not',
    async (url) => {
      const { lent, sent } = lentBy({ loopback: true })
      await expect(egress(url, WISH, lent)).rejects.toEqual(error('refused'))
      expect(sent).toEqual([])
    },
  )

  test.each([
    ['http://searx:8080/search', 'http://searx:8080', ['172.18.0.4']],
    ['https://search.corp/', 'https://search.corp', ['10.0.0.9']],
    ['http://10.1.2.3/', 'http://10.1.2.3', ['10.1.2.3']],
    ['http://localhost:8888/', 'http://localhost:8888', ['127.0.0.1', '::1']],
  ])('%s may be reached where its origin is trusted', async (url, origin, addresses) => {
    const { lent, sent } = lentBy({ names })
    await egress(url, { ...WISH, trusted: [origin] }, lent)
    expect(sent.map((each) => each.addresses)).toEqual([addresses])
    await expect(egress(url, WISH, lent)).rejects.toEqual(error('refused'))
  })

  test.each(['https://odd.corp', 'http://169.254.169.254', 'http://0.0.0.0', 'http://[fd00:ec2::254]'])(
    'trust in %s does not open what is never reached',
    async (origin) => {
      const { lent } = lentBy({ names })
      await expect(egress(`${origin}/`, { ...WISH, trusted: [origin] }, lent)).rejects.toEqual(
        error('refused'),
      )
    },
  )
})

describe('caps', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  /** Chunks of 100 bytes for as long as they are read. */
  function endless(state: { pulled: number; signal?: AbortSignal }, headers = {}) {
    const body = new ReadableStream(
      {
        pull(controller) {
          state.pulled++
          controller.enqueue(new Uint8Array(100))
        },
      },
      { highWaterMark: 0 },
    )
    return () => new Response(body, { headers })
  }

  test('a body over the cap is left while it is being read', async () => {
    const state = { pulled: 0 }
    const { lent, sent } = lentBy({ answers: { 'https://1.1.1.1/': endless(state) } })
    await expect(egress('https://1.1.1.1/', WISH, lent)).rejects.toEqual(error('too_large'))
    expect(state.pulled).toBe(11)
    expect(sent[0]?.signal.aborted).toBe(true)
  })

  test('a body that says it is over the cap is not read', async () => {
    const state = { pulled: 0 }
    const { lent, sent } = lentBy({
      answers: { 'https://1.1.1.1/': endless(state, { 'content-length': '1001' }) },
    })
    await expect(egress('https://1.1.1.1/', WISH, lent)).rejects.toEqual(error('too_large'))
    expect(state.pulled).toBe(0)
    expect(sent[0]?.signal.aborted).toBe(true)
  })

  test('a body of just the cap is whole', async () => {
    const { lent } = lentBy({ answers: { 'https://1.1.1.1/': () => new Response('x'.repeat(1_000)) } })
    expect((await egress('https://1.1.1.1/', WISH, lent)).body).toHaveLength(1_000)
  })

  test('an answer compressed against our wish is not unpacked', async () => {
    const answers = {
      'https://1.1.1.1/': () => new Response('x', { headers: { 'content-encoding': 'gzip' } }),
    }
    await expect(egress('https://1.1.1.1/', WISH, lentBy({ answers }).lent)).rejects.toEqual(
      error('unreachable'),
    )
  })

  test.each(['resolve', 'send', 'body'] as const)('time runs out in %s', async (where) => {
    const never = new Promise<never>(() => {})
    const { lent, sent } = lentBy({
      names: { 'site.example': [[PUBLIC]] },
      answers: { 'https://site.example/': () => new Response(new ReadableStream({ pull: () => never })) },
    })
    const stalled: EgressLent = where === 'body' ? lent : { ...lent, [where]: () => never }
    const asked = expect(egress('https://site.example/', WISH, stalled)).rejects.toEqual(error('timeout'))
    await vi.advanceTimersByTimeAsync(1_000)
    await asked
    for (const { signal } of sent) expect(signal.aborted).toBe(true)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('time is for all redirects together', async () => {
    const slowly = async () => {
      await new Promise((resolve) => setTimeout(resolve, 300))
      return redirectTo('/')()
    }
    const { lent, sent } = lentBy({ answers: { 'https://1.1.1.1/': slowly } })
    const asked = expect(egress('https://1.1.1.1/', { ...WISH, redirects: 99 }, lent)).rejects.toEqual(
      error('timeout'),
    )
    await vi.advanceTimersByTimeAsync(1_000)
    await asked
    expect(sent).toHaveLength(4)
  })

  test('a caller who leaves takes the request along', async () => {
    const caller = new AbortController()
    const { lent, sent } = lentBy({ answers: { 'https://1.1.1.1/': () => new Promise(() => {}) } })
    const asked = expect(
      egress('https://1.1.1.1/', { ...WISH, signal: caller.signal }, lent),
    ).rejects.toEqual(error('unreachable'))
    await vi.advanceTimersByTimeAsync(10)
    caller.abort()
    await asked
    expect(sent[0]?.signal.aborted).toBe(true)
    await expect(egress('https://1.1.1.1/', { ...WISH, signal: caller.signal }, lent)).rejects.toEqual(
      error('unreachable'),
    )
    expect(sent).toHaveLength(1)
  })

  test('what breaks on the way is told without its own words', async () => {
    const answers = {
      'https://1.1.1.1/': () => Promise.reject(new Error('connect ECONNREFUSED 10.9.8.7:443')),
    }
    await expect(egress('https://1.1.1.1/', WISH, lentBy({ answers }).lent)).rejects.toMatchObject({
      reason: 'unreachable',
      message: 'The URL could not be reached.',
    })
  })
})

describe('a runtime that cannot pin', () => {
  function unpinned(loopback = false) {
    const sent: [string, RequestInit | undefined][] = []
    const send = (async (url: string, init?: RequestInit) => {
      sent.push([url, init])
      return new Response('ok', { headers: { 'content-encoding': 'gzip', 'set-cookie': 'a=b' } })
    }) as typeof fetch
    return { lent: unpinnedEgress(send, loopback), sent }
  }

  test('names are judged by their form, and redirects stay ours to judge', async () => {
    const { lent, sent } = unpinned()
    const answer = await egress('https://site.example/', WISH, lent)
    expect(new TextDecoder().decode(answer.body)).toBe('ok')
    expect(sent[0]?.[1]).toMatchObject({ redirect: 'manual', method: 'GET' })
    for (const url of [
      'https://127.1/',
      'https://localhost/',
      'https://db.internal/',
      'http://site.example/',
    ]) {
      await expect(egress(url, WISH, lent)).rejects.toEqual(error('refused'))
    }
    expect(sent).toHaveLength(1)
    expect(lent.pins).toBe(false)
  })
})

describe('as a fetch', () => {
  test('it is handed to code that knows nothing of the guard', async () => {
    const { lent, sent } = lentBy({
      answers: { 'https://1.1.1.1/none': () => new Response(null, { status: 204 }) },
    })
    const guarded = egressFetch(lent, WISH)
    const init = { method: 'POST' as const, headers: { 'content-type': 'application/json' }, body: '{"q":1}' }
    const answer = await guarded('https://1.1.1.1/', init)
    expect([answer.status, await answer.text()]).toEqual([200, 'ok'])
    expect(sent[0]).toMatchObject({ method: 'POST', body: '{"q":1}' })
    expect((await guarded('https://1.1.1.1/none', {})).status).toBe(204)
    await expect(guarded('https://10.0.0.1/', {})).rejects.toEqual(error('refused'))
  })
})
