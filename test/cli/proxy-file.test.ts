import { join } from 'node:path'
import t from 'tap'
import { readProxyFile } from '../../src/cli/proxy-file.ts'

const PROXIES = [
  { podUid: 'db-0', inbound: { mode: 'redirect', port: 15_006 }, outbound: { port: 15_001 }, httpPorts: [8080], cutsSockets: true },
  { podUid: 'web-0', inbound: { mode: 'explicit', ports: [{ listen: { address: '10.0.0.1', port: 18_080 }, upstream: { address: '127.0.0.1', port: 8080 } }] } },
]

t.test('what an Envoy outside a cluster is for is read as it is written', async (t) => {
  const path = join(t.testdir({ 'proxies.json': JSON.stringify(PROXIES) }), 'proxies.json')
  t.strictSame(await readProxyFile(path), PROXIES)
})

t.test('what cannot be read names the file, the place and what to write', async (t) => {
  const folder = t.testdir({ 'text.json': 'db-0', 'port.json': JSON.stringify([{ podUid: 'db-0', inbound: { mode: 'redirect', port: 0 } }]) })
  await t.rejects(readProxyFile(join(folder, 'none.json')), { code: 'NOT_FOUND', message: /none\.json cannot be read .*--proxies/ })
  await t.rejects(readProxyFile(join(folder, 'text.json')), { code: 'BAD_DATA', message: /text\.json is no JSON/ })
  await t.rejects(readProxyFile(join(folder, 'port.json')), { code: 'BAD_DATA', message: /port\.json: \/0\/inbound.*; write \[\{"podUid"/ })
})
