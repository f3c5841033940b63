import { describe, expect, test } from 'vitest'
import { searchWith } from './web.ts'

const redirect = (url: string) => `//duckduckgo.com/l/?uddg=${encodeURIComponent(url)}&amp;rut=0a1b2c`

function entry(href: string, title: string, snippet: string, kind = ''): string {
  return `
    <div class="result results_links results_links_deep ${kind} web-result ">
      <div class="links_main links_deep result__body">
        <h2 class="result__title">
          <a rel="nofollow" class="result__a" href="${href}">${title}</a>
        </h2>
        <div class="result__extras">
          <div class="result__extras__url">
            <a rel="nofollow" href="${href}"><img class="result__icon__img" width="16" src="//external-content.duckduckgo.com/ip3/a.ico" /></a>
            <a class="result__url" href="${href}"> somewhere.test </a>
          </div>
        </div>
        ${snippet === '' ? '' : `<a class="result__snippet" href="${href}">${snippet}</a>`}
        <div class="clear"></div>
      </div>
    </div>`
}

const page = (...entries: string[]) =>
  `<!DOCTYPE html><html><head><title>alpine marmots at DuckDuckGo</title></head><body>
   <a class="header__logo" href="/html/">DuckDuckGo</a>
   <div id="links" class="results">${entries.join('')}</div></body></html>`

const MARMOT = 'https://en.wikipedia.test/wiki/Marmot?a=1&b=ü'

describe('the page of DuckDuckGo', () => {
  test('is asked as a browser asks, and read', async () => {
    const html = page(
      entry(
        redirect(MARMOT),
        'Alpine <b>marmot</b> &amp; friends',
        'A <b>large</b>\n squirrel&#x27;s &quot;whistle&quot;.',
      ),
      entry('https://direct.test/page', 'Direct', ''),
    )
    const { results, asked } = await searchWith(
      'duckduckgo',
      { text: html },
      { query: { blockedDomains: ['x.test'] } },
    )
    expect(asked.method).toBe('POST')
    expect(asked.url.href).toBe('https://html.duckduckgo.com/html/')
    expect(asked.headers.get('content-type')).toBe('application/x-www-form-urlencoded')
    expect(asked.headers.get('user-agent')).toMatch(/^Mozilla/)
    expect(Object.fromEntries(new URLSearchParams(asked.body))).toEqual({
      q: 'alpine marmots -site:x.test',
      kl: 'wt-wt',
    })
    expect(results).toEqual([
      { url: MARMOT, title: 'Alpine marmot & friends', snippet: `A large squirrel's "whistle".` },
      { url: 'https://direct.test/page', title: 'Direct', snippet: '' },
    ])
  })

  test('holds advertisements, which are no results', async () => {
    const ad = 'https://duckduckgo.com/y.js?ad_domain=shop.test&amp;u3=https%3A%2F%2Fshop.test'
    const html = page(
      entry(ad, 'Buy marmots', 'Cheap!', 'result--ad'),
      entry(redirect(MARMOT), 'Marmot', 'x'),
    )
    const { results } = await searchWith('duckduckgo', { text: html })
    expect(results).toEqual([{ url: MARMOT, title: 'Marmot', snippet: 'x' }])
  })

  test('holds more than was asked for', async () => {
    const html = page(...Array.from({ length: 30 }, (_, index) => entry(`https://a.test/${index}`, 'A', 'a')))
    expect((await searchWith('duckduckgo', { text: html })).results).toHaveLength(10)
  })

  test.each([
    ['US', 'us-en'],
    ['GB', 'uk-en'],
    ['JP', 'jp-jp'],
    ['XX', 'wt-wt'],
  ])('is asked for the region of %s', async (country, kl) => {
    const { asked } = await searchWith('duckduckgo', { text: page() }, { query: { country } })
    expect(new URLSearchParams(asked.body).get('kl')).toBe(kl)
  })

  test('says that there is nothing', async () => {
    const html = page('<div class="no-results">No results found for <b>alpine marmots</b></div>')
    expect((await searchWith('duckduckgo', { text: html })).results).toEqual([])
  })

  test.each([
    { status: 202, text: page() },
    { text: '<div class="anomaly-modal__title">Unfortunately, bots use DuckDuckGo too.</div>' },
    { text: '<form id="challenge-form" action="//duckduckgo.com/anomaly.js?sv=html"></form>' },
  ])('asks whether this is a human: %o', async (answer) => {
    await expect(searchWith('duckduckgo', answer)).rejects.toMatchObject({ code: 'too_many_requests' })
  })

  test('is read in no more time than it is long', async () => {
    const before = performance.now() // a quadratic reader would take minutes
    const nasty = `id="links"${'<a '.repeat(400_000)}${'<a class="result__a" href="https://a.test">'.repeat(5_000)}`
    await searchWith('duckduckgo', { text: nasty })
    expect(performance.now() - before).toBeLessThan(2_000)
  })
})
