import t from 'tap'
import { attack } from '../scenes.ts'
import { ask, post, stage } from '../stage.ts'
import { judge } from '../../../src/console/api/guard.ts'

const OURS = new Set(['console.example'])
const JUDGED: readonly (readonly [what: string, method: string, headers: Record<string, string>, allowed: boolean])[] = [
  ['a terminal', 'POST', { host: 'localhost:8081' }, true],
  ['a literal address', 'GET', { host: '127.0.0.1:8081' }, true],
  ['a literal IPv6 address', 'GET', { host: '[::1]:8081' }, true],
  ['a probe on the pod\'s address', 'GET', { host: '10.1.2.3:8000' }, true],
  ['a name that was allowed', 'GET', { host: 'Console.Example' }, true],
  ['no Host', 'GET', {}, false],
  ['a rebound name', 'GET', { host: 'attacker.example:8081' }, false],
  ['a rebound name with a tempting prefix', 'GET', { host: '127.0.0.1.attacker.example' }, false],
  ['a Host with a user part', 'GET', { host: 'localhost@attacker.example' }, false],
  ['our own page', 'POST', { host: 'localhost:8081', origin: 'http://localhost:8081', 'sec-fetch-site': 'same-origin' }, true],
  ['a foreign page', 'POST', { host: 'localhost:8081', origin: 'https://attacker.example', 'sec-fetch-site': 'cross-site' }, false],
  ['a foreign page in an old browser', 'POST', { host: 'localhost:8081', origin: 'https://attacker.example' }, false],
  ['another port of this machine', 'POST', { host: 'localhost:8081', origin: 'http://localhost:3000', 'sec-fetch-site': 'same-site' }, false],
  ['a sandboxed frame', 'POST', { host: 'localhost:8081', origin: 'null' }, false],
  ['an image on a foreign page', 'GET', { host: 'localhost:8081', 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' }, false],
  ['a link in a chat', 'GET', { host: 'localhost:8081', 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }, true],
  ['a frame on a foreign page', 'GET', { host: 'localhost:8081', 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' }, false],
  ['a form of a foreign page', 'POST', { host: 'localhost:8081', 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }, false],
  ['an address typed by hand', 'GET', { host: 'localhost:8081', 'sec-fetch-site': 'none' }, true],
]

t.test('a request is believed only if no foreign page can have sent it', async (t) => {
  for (const [what, method, headers, allowed] of JUDGED) t.equal(judge(method, headers, OURS).allowed, allowed, what)
})

t.test('a page in the operator\'s browser can neither undo nor read anything, by its own name or a rebound one', async (t) => {
  const { loop, urls } = await stage(t)
  await attack(loop)
  const foreign = [
    { host: 'attacker.example' },
    { origin: 'https://attacker.example' },
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' },
  ]
  for (const headers of foreign) {
    for (const base of [urls.api, urls.dashboard]) {
      const change = await post(`${base}/api/v1/mitigations/mit-guess-1/revert`, { reason: 'mine now' }, headers)
      t.equal(change.status, 403)
      t.match(change.json(), { code: 'UNTRUSTED' })
      const read = await ask(`${base}/api/v1/detections`, { headers })
      t.equal(read.status, 403)
      t.notMatch(read.text, /det-guess-1/)
    }
  }
  t.equal((await ask(`${urls.metrics}/metrics`, { headers: { host: 'attacker.example' } })).status, 403)
  t.strictSame(loop.reverts, [])
})

t.test('every answer says what a browser may do with it', async (t) => {
  const { urls } = await stage(t)
  for (const url of [`${urls.dashboard}/`, `${urls.api}/api/v1/status`, `${urls.api}/nothing`, `${urls.api}/api/v1/detections/%zz`, `${urls.metrics}/metrics`]) {
    const { headers } = await ask(url)
    t.equal(headers['x-content-type-options'], 'nosniff', url)
    t.match(headers['content-security-policy'], /default-src 'none'.*script-src 'self'.*frame-ancestors 'none'/, url)
    t.notMatch(headers['content-security-policy'], /unsafe/, url)
    t.equal(headers['access-control-allow-origin'], undefined, url)
    t.equal(headers['set-cookie'], undefined, url)
  }
})

t.test('a preflight of a foreign page is not answered with leave', async (t) => {
  const { urls } = await stage(t)
  const answer = await ask(`${urls.api}/api/v1/mitigations/x/revert`, { method: 'OPTIONS', headers: { origin: 'https://attacker.example', 'access-control-request-method': 'POST' } })
  t.equal(answer.status, 403)
  t.equal(answer.headers['access-control-allow-origin'], undefined)
})
