import { spawnSync } from 'node:child_process'
import { createServer } from 'node:net'
import { once } from 'node:events'
import t, { type Test } from 'tap'
import { createConsole } from '../../../src/console/api/console.ts'
import { FakeLoop } from '../fake-loop.ts'
import { attack } from '../scenes.ts'
import { ask, consoleOptions, stage } from '../stage.ts'
import { findTool, skipWithout } from '../../setup/tools.ts'

async function taken (t: Test): Promise<number> {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  t.teardown(() => other.close())
  const address = other.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

t.test('a port in use is named with the flag that changes it, and nothing is left listening', async (t) => {
  for (const listener of ['api', 'dashboard', 'metrics'] as const) {
    const port = await taken(t)
    const server = createConsole(consoleOptions(t, new FakeLoop(), { ports: { api: 0, dashboard: 0, metrics: 0, [listener]: port } }))
    await t.rejects(server.listen(), { code: 'UNAVAILABLE', message: new RegExp(`Port ${port} on 127.0.0.1 is in use.*--${listener}-port`) })
    await server[Symbol.asyncDispose]()
  }
})

t.test('a page that was never built is said plainly', async (t) => {
  await using server = createConsole(consoleOptions(t, new FakeLoop(), { pageFolder: t.testdir({}) }))
  await t.rejects(server.listen(), { code: 'NOT_FOUND', message: /vite build src\/console\/web/ })
})

t.test('listeners bind to loopback unless told otherwise', async (t) => {
  const { urls } = await stage(t)
  for (const url of Object.values(urls)) t.match(url, /^http:\/\/127\.0\.0\.1:\d+$/)
})

t.test('the dashboard serves the page and the same API; its files cannot be left', async (t) => {
  const { urls } = await stage(t)
  t.match((await ask(`${urls.dashboard}/`)).text, '<title>page</title>')
  t.equal((await ask(`${urls.dashboard}/api/v1/status`)).status, 200)
  for (const path of ['/..%2f..%2fpackage.json', '/%2e%2e/package.json', '/.built-from', '/assets/']) {
    const answer = await ask(`${urls.dashboard}${path}`)
    t.ok(answer.status >= 400 && answer.status < 500, `${path}: ${answer.status}`)
    t.ok(Object.hasOwn(answer.json() as object, 'code'), path)
  }
})

t.test('an abort ends event streams and every listener', async (t) => {
  const { urls, stop } = await stage(t)
  const response = await fetch(`${urls.api}/api/v1/events`)
  const reader = response.body?.getReader()
  await reader?.read()
  await stop()
  const end = await reader?.read().then(({ done }) => done, () => true)
  t.equal(end, true)
  for (const url of Object.values(urls)) await t.rejects(ask(url), { code: 'ECONNREFUSED' })
})

t.test('the metrics are as Prometheus wants them', { skip: skipWithout(missing('promtool')) }, async (t) => {
  const { loop, urls } = await stage(t)
  await attack(loop)
  for (const path of ['/api/v1/status', '/api/v1/detections/nobody', '/nothing/at/all']) await ask(`${urls.api}${path}`)
  const { text, headers } = await ask(`${urls.metrics}/metrics`)
  t.match(headers['content-type'], 'text/plain')
  t.match(text, /autoshield_console_request_duration_seconds_count\{listener="api",method="GET",route="\/api\/v1\/detections\/:id",status="404"\} 1/)
  t.match(text, /route="none",status="404"\} 1/)
  const checked = spawnSync(findTool('promtool').path ?? '', ['check', 'metrics'], { input: text, encoding: 'utf8' })
  t.equal(checked.status, 0, checked.stderr + checked.stdout)
})

function missing (name: string): string[] {
  return findTool(name).missing === undefined ? [] : [findTool(name).missing ?? '']
}
