import t from 'tap'
import { parseAllDocuments } from 'yaml'
import { Fleet } from '../../xds/fleet.ts'
import { pod } from '../console/scenes.ts'
import { stage } from '../console/stage.ts'
import { FakeLoop } from '../console/fake-loop.ts'
import { autoshield } from '../program.ts'
import { mitigationOf } from '../xds/mitigation-of.ts'

const NOW_MS = Date.parse('2026-06-01T12:00:00Z')
const [WEB, DB] = [pod('shop', 'web-0', '10.0.0.1', { uid: 'uid-web' }), pod('shop', 'db-0', '10.0.0.2', { uid: 'uid-db' })]
const OTHER = pod('other', 'web-0', '10.0.0.3', { uid: 'uid-other' })

/** Three pods with proxies that nothing is connected to, and what they should carry; the statuses are the fleet's own but for what a test says. */
async function opened (t: Parameters<typeof stage>[0]) {
  const loop = new FakeLoop(() => NOW_MS)
  const fleet = new Fleet({ clock: { now: () => NOW_MS }, defaultInbound: { mode: 'redirect', port: 15_006 } })
  const victim = [{ uid: WEB.uid, addresses: [...WEB.addresses] }]
  const mitigations = [
    mitigationOf('deny-66', { victims: victim }),
    mitigationOf('limit-9', { victims: victim, subject: { uid: 'x', addresses: ['10.0.0.9'] }, ports: [8080], action: 'limit', limit: { value: 2, unit: 'requests/s', burst: 2 } }),
    mitigationOf('shadow-7', { victims: victim, subject: { uid: 'y', addresses: ['10.0.0.7'] }, mode: 'shadow' }),
  ]
  fleet.setProxies([WEB, DB, OTHER].map(({ uid }) => ({ podUid: uid, inbound: { mode: 'redirect' as const, port: 15_006 }, httpPorts: [8080] })))
  fleet.apply(mitigations)
  loop.podList = [WEB, DB, OTHER]
  for (const mitigation of mitigations) await loop.store.mitigations.put(mitigation.metadata.name, mitigation)
  const connected = fleet.statuses().map((status) => ({ ...status, connected: true, state: 'in-sync' as const, message: '', taken: [...status.mitigations] }))
  for (const { podUid } of connected) loop.snapshots.set(podUid, fleet.snapshot(podUid) ?? { version: '', resources: {} })
  loop.proxyList = connected
  const { urls } = await stage(t, {}, loop)
  const alter = (uid: string, change: object): void => { loop.proxyList = loop.proxyList.map((status) => status.podUid === uid ? { ...status, ...change } : status) }
  return { loop, api: urls.api, alter }
}

t.test('proxy-status tells of every proxy where it stands, what it carries and what it refused, and ends with 79 where somebody should look', async (t) => {
  const { api, alter } = await opened(t)
  const status = async (...args: string[]) => autoshield(['proxy-status', '--api', api, ...args])
  const well = await status()
  t.equal(well.status, 0, well.stderr)
  t.match(well.stdout, /^POD +STATE +SINCE +VERSION +RESTRICTIONS +REFUSED +WORDS\n/)
  t.match(well.stdout, /^shop\/web-0 +in sync +\S+ +[0-9a-f]{16} +deny-66, limit-9, shadow-7 \(shadow\) +- +-$/m)
  t.match(well.stdout, /^other\/web-0 +in sync .* - +- +-$/m)
  const named = await status('-n', 'other')
  t.notMatch(named.stdout, 'shop/')
  t.match(named.stdout, 'other/web-0')

  alter(DB.uid, { refused: [{ mitigation: 'deny-1', message: 'Error adding listener: no\x1b[2J' }] })
  const refused = await status()
  t.equal(refused.status, 79)
  t.match(refused.stdout, /^shop\/db-0 +in sync .* deny-1: Error adding listener: no\?\[2J +-$/m, 'in Envoy\'s words, which drive no terminal')
  alter(DB.uid, { refused: [], state: 'rejected', message: 'duplicate filter chain' })
  t.match(await status(), { status: 79, stdout: /^shop\/db-0 +rejected .* duplicate filter chain$/m })
  alter(DB.uid, { state: 'in-sync', message: '', connected: false })
  t.match(await status(), { status: 79, stdout: /^shop\/db-0 +away /m })
  alter(DB.uid, { connected: true, state: 'pending', since: new Date(NOW_MS - 9_999).toISOString() })
  t.match(await status(), { status: 0, stdout: /^shop\/db-0 +stale /m }, 'it is being told')
  alter(DB.uid, { since: new Date(NOW_MS - 10_000).toISOString() })
  t.match(await status(), { status: 79, stdout: /^shop\/db-0 +silent /m })
  t.equal((await status('-n', 'other')).status, 0, 'the others are well')

  const [line = ''] = (await status('-o', 'json', '-n', 'other')).stdout.split('\n')
  t.match(JSON.parse(line), { podUid: 'uid-other', namespace: 'other', name: 'web-0', standing: 'in-sync', restrictions: [] })
  const documents = parseAllDocuments((await status('-o', 'yaml')).stdout).map((document) => document.toJS() as unknown)
  t.match(documents, [{ podUid: 'uid-other' }, { podUid: 'uid-db', standing: 'silent' }, {
    podUid: 'uid-web',
    restrictions: [{ mitigation: 'deny-66', sources: ['127.0.0.66'], action: 'deny', shadow: false, taken: true, openConnections: [{ means: 'none' }, { ports: [8080], means: 'route' }] }, { mitigation: 'limit-9', limit: { value: 2 }, ports: [8080] }, { mitigation: 'shadow-7', shadow: true, openConnections: [] }],
  }])
  alter(DB.uid, { since: new Date(NOW_MS).toISOString(), state: 'in-sync', clientAddress: { kind: 'hidden', why: 'no NET_RAW' } })
  t.match(await status(), { status: 0, stdout: /^shop\/db-0 +in sync .* applications see the pod's own address as their clients': no NET_RAW$/m })
})

t.test('proxy-config shows one proxy, by name, namespace and name, or UID', async (t) => {
  const { api } = await opened(t)
  const config = async (...args: string[]) => autoshield(['proxy-config', '--api', api, ...args])
  const { status, stdout, stderr } = await config('shop/web-0')
  t.equal(status, 0, stderr)
  for (const line of [
    /^shop\/web-0: in sync since 2026-06-01T12:00:00\.000Z, version [0-9a-f]{16}$/m,
    /^inbound +\[::\]:15006 +\d+$/m,
    /^inbound +source\/127\.0\.0\.66 +127\.0\.0\.66 +any +direct_response$/m,
    /^inbound +source\/10\.0\.0\.9\/port\/8080 +10\.0\.0\.9 +8080 +http_connection_manager$/m,
    /^inbound +default +everybody +any +tcp_proxy$/m,
    /^original-destination +ORIGINAL_DST$/m,
    /^inbound\/http\/8080 +10\.0\.0\.7, 10\.0\.0\.9, 127\.0\.0\.66$/m,
    /^deny-66 +127\.0\.0\.66 +any +deny +enforce +yes +none, they go on until they end; 8080: route +2100/m,
    /^limit-9 +10\.0\.0\.9 +8080 +limit 2 requests\/s +enforce +yes +8080: route +2100/m,
    /^shadow-7 .* shadow +yes +- +2100/m,
  ]) t.match(stdout, line)
  t.match((await config('db-0')).stdout, /^shop\/db-0: /, 'a name that one pod alone has')
  t.match((await config('uid-other')).stdout, /^other\/web-0: /)
  t.match(JSON.parse((await config('uid-web', '-o', 'json')).stdout), { version: String, resources: { listeners: [{ name: 'inbound' }] } })
  t.match((await config('uid-web', '-o', 'yaml')).stdout, /^ {2}listeners:$/m)
  t.match(await config('web-0'), { status: 64, stderr: /Several pods are called "web-0": say which one, other\/web-0 or shop\/web-0/ })
  t.match(await config('nobody'), { status: 65, stderr: /No proxy of a pod "nobody" is known: list them with `autoshield proxy-status`/ })
})
