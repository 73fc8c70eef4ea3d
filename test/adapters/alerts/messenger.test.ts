import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import type { Resolve } from '../../../src/adapters/alerts/guarded-request.ts'
import { Messenger } from '../../../src/adapters/alerts/messenger.ts'
import type { AlertSettings } from '../../../src/core/errand/alert-settings.ts'
import { ALERT, errandOf, NOTICE, NOW_MS, WEBHOOK } from '../../core/errand/made-errand.ts'

interface Seen { method: string | undefined, url: string | undefined, headers: IncomingMessage['headers'], body: string }

/** A real receiver on loopback that remembers what came. */
async function receiver (answer: (response: ServerResponse, request: IncomingMessage) => void = (response) => { response.end('ok') }) {
  const seen: Seen[] = []
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      seen.push({ method: request.method, url: request.url, headers: request.headers, body: Buffer.concat(parts).toString() })
      answer(response, request)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { seen, port, base: `http://receiver.example:${port}`, async [Symbol.asyncDispose] () { server.closeAllConnections(); await new Promise((resolve) => server.close(resolve)) } }
}

/** Every name leads to loopback, as an attacker's own DNS could say. */
const toLoopback: Resolve = async () => [{ address: '127.0.0.1', family: 4 }]
const LOCAL = { localHosts: ['receiver.example'] }
const messenger = (settings: AlertSettings, resolve: Resolve = toLoopback, told: string[] = []): Messenger =>
  new Messenger({ settings: () => settings, clock: { now: () => NOW_MS }, version: '0.1.0', resolve, tell: (_, { notice }) => { told.push(notice.text) } })
const signal = new AbortController().signal
const webhookTo = (url: string) => ({ ...WEBHOOK, url })

t.test('a message of a rule arrives signed over time and body, with its idempotency key, and a forger cannot make one', async (t) => {
  await using to = await receiver()
  const secretFile = join(t.testdir(), 'key')
  await writeFile(secretFile, 'k3y\n')
  const task = webhookTo(`${to.base}/hook?x=1`)
  t.match(await messenger({ ...LOCAL, webhooks: { secretFile } }).webhook(errandOf(task), task, signal), { result: 'done', reason: 'Delivered' })
  const [{ headers, body, method, url } = t.fail() as never] = to.seen
  t.match({ method, url }, { method: 'POST', url: '/hook?x=1' })
  t.strictSame(JSON.parse(body), NOTICE)
  t.equal(headers['idempotency-key'], 'e-1')
  const [, seconds, digest] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['x-autoshield-signature'])) ?? []
  t.equal(Number(seconds), NOW_MS / 1000)
  t.equal(digest, createHmac('sha256', 'k3y').update(`${seconds ?? ''}.${body}`).digest('hex'))
})

t.test('a key that is changed counts from the next message on, and no outcome ever holds a key', async (t) => {
  await using to = await receiver()
  const secretFile = join(t.testdir(), 'key')
  const outcomes: unknown[] = []
  for (const key of ['first-k3y', 'second-k3y']) {
    await writeFile(secretFile, key)
    outcomes.push(await messenger({ ...LOCAL, webhooks: { secretFile } }).webhook(errandOf(WEBHOOK), webhookTo(to.base), signal))
  }
  t.equal(new Set(to.seen.map(({ headers }) => headers['x-autoshield-signature'])).size, 2)
  outcomes.push(await messenger({ ...LOCAL, webhooks: { secretFile: `${secretFile}-missing` } }).webhook(errandOf(WEBHOOK), webhookTo(to.base), signal))
  t.match(outcomes[2], { result: 'again', reason: 'NotConfigured', message: /key-missing/ })
  t.match(await messenger(LOCAL).webhook(errandOf(WEBHOOK), webhookTo(to.base), signal), { result: 'refused', reason: 'NotConfigured' }, 'unsigned, it is never sent')
  t.notMatch(JSON.stringify(outcomes), /k3y/)
  t.equal(to.seen.length, 2)
})

t.test('nothing reaches this machine or its link unless the host is allowed by name', async (t) => {
  await using to = await receiver()
  const secretFile = join(t.testdir({ key: 'k' }), 'key')
  const never = async (url: string, settings: AlertSettings = {}, resolve: Resolve = toLoopback): Promise<void> => {
    t.match(await messenger({ ...settings, webhooks: { secretFile } }, resolve).webhook(errandOf(WEBHOOK), webhookTo(url), signal), { result: 'refused', reason: 'ForbiddenAddress' }, url)
  }
  await never(to.base)
  await never(`http://127.0.0.1:${to.port}`)
  await never(`http://[::ffff:127.0.0.1]:${to.port}`)
  await never(`http://2130706433:${to.port}`)
  await never(`http://0x7f.1:${to.port}`)
  await never(to.base, { privateHosts: ['receiver.example'] })
  await never(to.base, {}, async () => [{ address: '::ffff:127.0.0.1', family: 6 }])
  await never(to.base, LOCAL, async () => [{ address: '169.254.169.254', family: 4 }])
  await never(to.base, {}, async () => [{ address: '1.1.1.1', family: 4 }, { address: '127.0.0.1', family: 4 }])
  t.equal(to.seen.length, 0)
})

t.test('a name that resolves to something else a moment later is connected to where it was checked', async (t) => {
  await using to = await receiver()
  const secretFile = join(t.testdir({ key: 'k' }), 'key')
  let asked = 0
  // Rebinding: a public address for whoever checks, loopback for whoever connects.
  const rebinding: Resolve = async () => [{ address: asked++ === 0 ? '127.0.0.1' : '169.254.169.254', family: 4 }]
  t.match(await messenger({ ...LOCAL, webhooks: { secretFile } }, rebinding).webhook(errandOf(WEBHOOK), webhookTo(to.base), signal), { result: 'done' })
  t.equal(asked, 1, 'it is resolved once')
  t.match(await messenger({ ...LOCAL, webhooks: { secretFile } }, rebinding).webhook(errandOf(WEBHOOK), webhookTo(to.base), signal), { result: 'refused', reason: 'ForbiddenAddress' }, 'and checked each time')
})

t.test('redirects are not followed', async (t) => {
  await using secret = await receiver()
  await using to = await receiver((response) => { response.writeHead(307, { location: `http://receiver.example:${secret.port}/latest/meta-data` }).end() })
  const task = { ...ALERT, channel: 'soc' }
  t.match(await messenger({ ...LOCAL, channels: { soc: { kind: 'webhook', url: to.base } } }).alert(errandOf(task), task, signal), { result: 'refused', reason: 'ReceiverRefused', message: /redirect/ })
  t.equal(secret.seen.length, 0)
})

t.test('an answer without end and one that never comes hold nothing up', async (t) => {
  let written = 0
  await using endless = await receiver((response) => {
    const part = Buffer.alloc(65_536)
    const more = (): void => { while (!response.destroyed && response.write(part)) written++ }
    response.on('drain', more)
    more()
  })
  const task = { ...ALERT, channel: 'soc' }
  t.match(await messenger({ ...LOCAL, channels: { soc: { kind: 'webhook', url: endless.base } } }).alert(errandOf(task), task, signal), { result: 'done' })
  t.ok(written < 1_000, `${written} parts were written`)
  await using silent = await receiver(() => undefined)
  const stop = new AbortController()
  const pending = messenger({ ...LOCAL, channels: { soc: { kind: 'webhook', url: silent.base } } }).alert(errandOf(task), task, stop.signal)
  while (silent.seen.length === 0) await new Promise((resolve) => setImmediate(resolve))
  stop.abort()
  t.match(await pending, { result: 'again', reason: 'ReceiverAway' })
})

t.test('each kind of channel gets its form, and one that nobody knows is said', async (t) => {
  await using to = await receiver()
  const dir = t.testdir({ slack: `${to.base}/services/T0/s3cret\n`, key: 'k' })
  const told: string[] = []
  const settings: AlertSettings = {
    ...LOCAL,
    channels: {
      plain: { kind: 'webhook', url: `${to.base}/plain` },
      siem: { kind: 'webhook', url: `${to.base}/siem`, form: 'ocsf', secretFile: join(dir, 'key') },
      chat: { kind: 'slack', urlFile: join(dir, 'slack') },
      pager: { kind: 'alertmanager', url: `${to.base}/` },
    },
  }
  const send = async (channel: string) => messenger(settings, toLoopback, told).alert(errandOf({ ...ALERT, channel }), { ...ALERT, channel }, signal)
  for (const channel of ['plain', 'siem', 'chat', 'pager', 'default']) t.match(await send(channel), { result: 'done', reason: 'Delivered' }, channel)
  t.strictSame(told, [NOTICE.text])
  t.strictSame(to.seen.map(({ url }) => url), ['/plain', '/siem', '/services/T0/s3cret', '/api/v2/alerts'])
  const [plain, siem, chat, pager] = to.seen.map(({ body }): unknown => JSON.parse(body))
  t.strictSame(plain, NOTICE)
  t.match(siem, { class_uid: 2004 })
  t.match(chat, { text: /PORT_SCAN/ })
  t.match(pager, [{ labels: { class: 'PORT_SCAN' } }])
  t.strictSame(to.seen.map(({ headers }) => headers['x-autoshield-signature'] !== undefined), [false, true, false, false])
  t.match(await send('nobody'), { result: 'refused', reason: 'UnknownChannel', message: /"nobody"/ })
})

t.test('a secret address is in no outcome, whatever goes wrong', async (t) => {
  await using to = await receiver((response) => { response.writeHead(403).end('no') })
  const { port } = to
  await to[Symbol.asyncDispose]()
  const dir = t.testdir({ slack: `http://receiver.example:${port}/services/s3cret`, broken: 'services/s3cret', far: 'https://receiver.invalid/s3cret' })
  for (const [file, resolve] of [['slack', toLoopback], ['broken', toLoopback], ['far', async () => { throw new Error('ENOTFOUND') }]] as const) {
    const outcome = await messenger({ ...LOCAL, channels: { soc: { kind: 'slack', urlFile: join(dir, file) } } }, resolve).alert(errandOf(ALERT), ALERT, signal)
    t.not(outcome.result, 'done', file)
    t.notMatch(JSON.stringify(outcome), /s3cret/, file)
  }
})
