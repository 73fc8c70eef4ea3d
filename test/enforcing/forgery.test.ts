import { generateKeyPairSync } from 'node:crypto'
import t, { type Test } from 'tap'
import { createAuthority, Authority } from '../../certs/authority.ts'
import { requestCertificate } from '../../src/adapters/identity/request-certificate.ts'
import { spiffeId, type Credentials, type Identity } from '../../src/core/identity.ts'
import { COUNTERS, FEATURES, SKETCH_BYTES, type Window, type WindowKey } from '../../src/core/window/window.ts'
import { addressToBytes } from '../../src/wire/address.ts'
import { RawObserver } from '../detector/raw-observer.ts'
import { OWN_NAMESPACE } from '../real/installed.ts'
import { testCluster, withoutCluster } from '../real/cluster/test-cluster.ts'
import { until } from '../xds/real-envoy.ts'
import { SCANNED, Stage } from './case-stage.ts'

t.setTimeout(600_000)

const TRUST_DOMAIN = 'autoshield.local'
const [CONTROL, INGEST] = [8444, 18_001]

/** What a scan of a hundred ports looks like in half a second, with answers: as a liar would write it. */
function scanWindow (key: WindowKey, number: number): Window {
  const features: Partial<Record<(typeof FEATURES)[number], number>> = { flow_count: 105, syn_count: 105, rst_count: 105, ack_count: 105, failed_conn_ratio: 1, unique_ports: 105, bytes_received: 40, iat_mean_ms: 4 }
  const counters: Partial<Record<(typeof COUNTERS)[number], number>> = { packets_sent: 105, packets_received: 105, tcp_packets: 210 }
  return {
    key,
    stepMs: 500,
    number,
    firstPacketMs: number * 500 + 10,
    features: Float64Array.from(FEATURES, (name) => features[name] ?? 0),
    counters: Float64Array.from(COUNTERS, (name) => counters[name] ?? 0),
    ports: SCANNED.slice(0, 8).map((port) => ({ port, packets: 2 })),
    portSketch: new Uint8Array(SKETCH_BYTES).fill(0x55),
    peerSketch: new Uint8Array(SKETCH_BYTES),
    proved: 105,
    quality: 0,
  }
}

t.test('a compromised pod cannot get another cut off', { skip: withoutCluster('enforcing') }, async (t) => {
  const cluster = await testCluster(t, { needs: 'enforcing' })
  const tools = { name: 'tools', image: cluster.images.tools, imagePullPolicy: 'Never', command: ['sleep', '3600'], securityContext: { runAsUser: 0, runAsGroup: 0 } }
  const pod = (name: string, node: string, more: object = {}) => ({ name, node, labels: { app: name }, ...more })
  // The gravest that a rule may ask for: whoever it hits is cut off from everybody.
  const stage = await Stage.set(t, cluster, [pod('bad', 'node-1', { beside: [tools] }), pod('innocent', 'node-1'), pod('mimic', 'node-2', { labels: { app: 'innocent' } }), pod('victim', 'node-2'), pod('fronted', 'node-2', { labels: { app: 'fronted', 'autoshield.dev/proxy': 'enabled' } }), pod('on-node', 'node-1', { hostNetwork: true, beside: [tools] })], 'pod_isolation')
  const { guarded, namespace } = stage
  const { kubectl } = cluster
  const [bad, innocent, mimic, victim, fronted] = ['bad', 'innocent', 'mimic', 'victim', 'fronted'].map((name) => stage.addressOf(name)) as [string, string, string, string, string]
  const identityOf = (uid: string): Identity => ({ trustDomain: TRUST_DOMAIN, namespace, uid })
  const controller: Identity = { trustDomain: TRUST_DOMAIN, namespace: OWN_NAMESPACE, uid: 'controller' }
  const authorities = await kubectl(['-n', OWN_NAMESPACE, 'get', 'configmap', 'autoshield-authorities', '-o', 'jsonpath={.data.ca\\.pem}'])
  const [[control = 0], [ingest = 0]] = await Promise.all([guarded.forward('controller', CONTROL), guarded.forward('detector', INGEST)])
  const tokenOf = async (name: string, audience = 'autoshield'): Promise<string> =>
    (await kubectl(['-n', namespace, 'create', 'token', 'default', '--audience', audience, '--bound-object-kind', 'Pod', '--bound-object-name', name, '--bound-object-uid', stage.uidOf(name)])).trim()
  const certified = async (token: string): Promise<Credentials> => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const answer = await requestCertificate({ endpoint: `127.0.0.1:${control}`, server: controller, authorities, token, publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString() }, AbortSignal.timeout(30_000))
    return { ...answer, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }
  }
  const bytes = (address: string): Uint8Array<ArrayBuffer> => Uint8Array.from(addressToBytes(address) ?? [])
  /** An observer with these credentials that says what the test tells it to. */
  const observer = (t: Test, credentials: Credentials, uid: string, address: string): RawObserver => {
    const raw = new RawObserver(t, `127.0.0.1:${ingest}`, credentials, { ...controller, uid: 'detector' })
    raw.hello({ identity: spiffeId(identityOf(uid)), ownAddresses: [bytes(address)] })
    return raw
  }
  /** The innocent pod is restricted by nothing, and reaches and serves all. */
  const unharmed = async (t: Test, isolated?: 'bad'): Promise<void> => {
    t.strictSame(await stage.restrictionsOf(stage.uidOf('innocent')), [], 'nothing restricts the innocent pod')
    t.strictSame(await Promise.all([stage.reaches(innocent, victim), stage.reaches(victim, innocent), ...isolated === undefined ? [stage.reaches(innocent, bad)] : []]), isolated === undefined ? [true, true, true] : [true, true], 'and its packets pass')
  }
  const numberNow = (): number => Math.floor(Date.now() / 500) - 1

  await t.test('by windows about it under a certificate of one\'s own', async (t) => {
    const credentials = await certified(await tokenOf('bad'))
    const claims: readonly WindowKey[] = [{ kind: 'pair', source: innocent, destination: victim }, { kind: 'fan-out', source: innocent }, { kind: 'fan-in', destination: innocent }]
    for (const key of claims) {
      const raw = observer(t, credentials, stage.uidOf('bad'), bad)
      await raw.welcome()
      raw.batch(1, [scanWindow(key, numberNow())])
      t.match(await raw.ended, /PERMISSION_DENIED: a .* window has none of the reporter's own addresses/, key.kind)
    }
    t.match(await observer(t, credentials, stage.uidOf('innocent'), bad).ended, /PERMISSION_DENIED: hello says/, 'nor by the innocent pod\'s name')
    t.match(await observer(t, credentials, stage.uidOf('bad'), innocent).ended, /PERMISSION_DENIED: .* is not an address of/, 'nor by its address')
    await until('the refusals are counted', async () => await guarded.metric('autoshield_detector_refusals_total', { reason: 'NotYours' }) >= claims.length + 2 || undefined)
    t.match(await guarded.audit({ action: 'detector.refused' }), [{ actor: spiffeId(identityOf(stage.uidOf('bad'))), reason: 'NotYours' }], 'the trail says who lied')
    await unharmed(t)
  })

  await t.test('by a lie about its traffic with the liar: its own observer is asked, and denies it', async (t) => {
    const raw = observer(t, await certified(await tokenOf('bad')), stage.uidOf('bad'), bad)
    await raw.welcome()
    let sequence = 0
    const { decision } = await guarded.ruled(innocent, bad, { reason: 'WitnessesDisagree' }, async () => {
      raw.batch(++sequence, [scanWindow({ kind: 'pair', source: innocent, destination: bad }, numberNow())])
      await raw.acknowledged(sequence)
    })
    t.match(decision, { verdict: 'alert', mitigation: null })
    await unharmed(t)
    raw.end()
  })

  await t.test('by another\'s identity: asked for, signed by oneself, or of a pod that is gone', async (t) => {
    const issued = await certified(await tokenOf('bad'))
    t.match(await observer(t, issued, stage.uidOf('innocent'), innocent).ended, /PERMISSION_DENIED/, 'one\'s token gives one\'s own identity alone')
    await t.rejects(certified(await tokenOf('bad', 'https://kubernetes.default.svc')), /no certificate from/, 'a token for another audience gives none')
    const own = createAuthority(TRUST_DOMAIN, Date.now())
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const signed = { certificate: new Authority(own).issue({ identity: identityOf(stage.uidOf('innocent')) }, publicKey, Date.now()), key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), authorities }
    t.match(await observer(t, signed, stage.uidOf('innocent'), innocent).ended, /UNAVAILABLE/, 'an authority of one\'s own is none')
    await stage.joins(t, pod('short-lived', 'node-1'))
    const [token, stolen] = [await tokenOf('short-lived'), await certified(await tokenOf('short-lived'))]
    const gone = stage.uidOf('short-lived')
    await kubectl(['-n', namespace, 'delete', 'pod', 'short-lived', '--grace-period=0', '--force'])
    await t.rejects(certified(token), /no certificate from/, 'the token of a pod that is gone gives none')
    await until('its certificate is of nobody', async () => /PERMISSION_DENIED: .* is no pod that this detector knows/.test(await observer(t, stolen, gone, innocent).ended) || undefined, 60_000)
    t.ok((await guarded.audit({ action: 'certificate.refused' })).length >= 2, 'refusals are in the trail')
    await unharmed(t)
  })

  await t.test('by packets with its address from a node, while it talks to the victim, too', async (t) => {
    // What answers the forged packets comes to the innocent pod, whose observer must not take it for its pod's.
    const forge = async (): Promise<string> => kubectl(['-n', namespace, 'exec', 'on-node', '-c', 'tools', '--', 'nping', '--tcp', '--send-ip', '-S', innocent, '-p', '30000-30199', '-c', '1', '--rate', '400', '-q', victim]).catch(String)
    const { detection, decision } = await guarded.ruled(innocent, victim, { reason: 'ForgedSource' }, async () => Promise.all([forge(), ...Array.from({ length: 8 }, async () => stage.reaches(innocent, victim))]))
    t.match(decision, { verdict: 'alert', mitigation: null, message: /may be forged/ })
    t.notOk(detection.witnesses.some(({ agrees }) => agrees === true), 'no witness says that it is real')
    t.ok((await guarded.audit({ action: 'decision.alert' })).some(({ reason }) => reason === 'ForgedSource'), 'it is in the trail')
    t.ok(await guarded.metric('autoshield_decisions_total', { verdict: 'alert', reason: 'ForgedSource' }) > 0, 'and counted')
    t.strictSame((await guarded.rulings(innocent, victim)).filter(({ decision: { verdict } }) => verdict === 'mitigate' || verdict === 'hold'), [], 'nobody is asked to restrict it')
    await unharmed(t)
  })

  await t.test('by its address in what a proxy reads: the connection says who it is', async (t) => {
    const script = `for (const port of ${JSON.stringify(SCANNED)}) require('net').connect({ host: process.argv[1], port }).on('error', () => undefined).end('PROXY TCP4 ${innocent} ' + process.argv[1] + ' 4000 80\\r\\nGET / HTTP/1.1\\r\\nHost: shop\\r\\nX-Forwarded-For: ${innocent}\\r\\nForwarded: for=${innocent}\\r\\n\\r\\n'); setTimeout(() => process.exit(), 1500)`
    const { detection } = await guarded.ruled(bad, fronted, {}, async () => kubectl(['-n', namespace, 'exec', 'bad', '-c', 'end', '--', 'node', '-e', script, fronted]).catch(String))
    t.equal(detection.source?.uid, stage.uidOf('bad'))
    t.strictSame(await guarded.rulings(innocent, fronted), [], 'nothing is said of the innocent pod')
    await unharmed(t, 'bad')
  })

  await t.test('by its labels, annotations and owner: whoever attacks is cut, not whom it looks like', async (t) => {
    const { annotations = {}, labels } = (JSON.parse(await kubectl(['-n', namespace, 'get', 'pod', 'innocent', '-o', 'json'])) as { metadata: { annotations?: Record<string, string>, labels: Record<string, string> } }).metadata
    const ownerReferences = [{ apiVersion: 'v1', kind: 'Pod', name: 'innocent', uid: stage.uidOf('innocent') }]
    await kubectl(['-n', namespace, 'patch', 'pod', 'mimic', '--type', 'merge', '-p', JSON.stringify({ metadata: { annotations, labels, ownerReferences } })])
    await guarded.ruled(mimic, victim, { verdict: 'mitigate' }, async () => stage.scan(mimic, victim))
    await stage.becomes('cut', mimic, victim)
    await unharmed(t, 'bad')
  })
})
