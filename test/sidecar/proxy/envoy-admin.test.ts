import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { denialsOf } from '../../../sidecar/proxy/denials.ts'
import { EnvoyAdmin } from '../../../sidecar/proxy/envoy-admin.ts'
import { skipWithout } from '../../setup/tools.ts'
import { mitigationOf } from '../../xds/mitigation-of.ts'
import { envoyTool } from '../../xds/real-envoy.ts'
import { stage } from '../../xds/stage.ts'

t.setTimeout(120_000)
const skip = skipWithout(envoyTool.missing === undefined ? [] : [envoyTool.missing])

t.test('whom an Envoy denies is read, however many they are', { skip }, async (t) => {
  await using proxy = await stage()
  const sources = Array.from({ length: 3_000 }, (_, index) => `10.1.${index >> 8}.${index & 255}`)
  proxy.fleet.apply(sources.map((address) => mitigationOf(address, { subject: { uid: address, addresses: [address] } })))
  await proxy.settled('Envoy takes them')
  const admin = new EnvoyAdmin(proxy.envoy.adminSocket)
  const answer = await admin.listeners()
  t.ok(answer.ok && answer.text.length > 2 ** 20, 'the dump is longer than a mebibyte')
  const denied = answer.ok ? denialsOf(answer.text)?.map(({ address }) => address) : []
  t.strictSame(denied?.toSorted(), sources.toSorted())
})

t.test('another Envoy on the same socket is told from the one before, whatever it says', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'autoshield-admin-')) // a socket's path is short
  t.teardown(() => rm(folder, { recursive: true }))
  const path = join(folder, 'admin.sock')
  const versions: (string | null)[] = []
  for (let at = 0; at < 2; at++) {
    const server = createServer((_call, answer) => answer.end('listener_manager.lds.version: 1')).listen(path)
    await once(server, 'listening')
    const admin = new EnvoyAdmin(path)
    versions.push(await admin.listenersVersion(), await admin.listenersVersion())
    server.close()
    await once(server, 'close')
    t.equal(await admin.listenersVersion(), null)
  }
  t.match(versions, [String, String, String, String])
  t.same(new Set(versions).size, 2)
})

t.test('of one that is not there it is said why', async (t) => {
  t.match(await new EnvoyAdmin('/nowhere/admin.sock').listeners(), { ok: false, why: /ENOENT/ })
})
