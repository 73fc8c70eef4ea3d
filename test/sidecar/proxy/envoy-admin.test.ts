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

t.test('of one that is not there it is said why', async (t) => {
  t.match(await new EnvoyAdmin('/nowhere/admin.sock').listeners(), { ok: false, why: /ENOENT/ })
})
