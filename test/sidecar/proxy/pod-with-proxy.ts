import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import type { Test } from 'tap'
import { CertificateIssuer } from '../../../certs/issuer.ts'
import type { Mitigation } from '../../../src/core/mitigation/mitigation.ts'
import { fixedCredentials } from '../../../src/wire/held-credentials.ts'
import { Fleet } from '../../../xds/fleet.ts'
import { proxySpecOf } from '../../../xds/proxy-spec-of.ts'
import { XdsServer } from '../../../xds/server.ts'
import { startControl } from '../../certs/control-server.ts'
import { knowTokens, reviewOf, seedPod } from '../../certs/pod-tokens.ts'
import { Root, TRUST_DOMAIN } from '../../certs/samples.ts'
import { FakeKubernetes } from '../../kubernetes/fake-api.ts'
import { Lab } from '../../lab/lab.ts'
import type { LabProcess } from '../../lab/process.ts'
import { envoyBinary } from '../../setup/envoy-binary.ts'
import { mitigationOf } from '../../xds/mitigation-of.ts'
import { relay } from '../../xds/relay.ts'

const MAIN = fileURLToPath(new URL('../../../src/main.ts', import.meta.url))
const [XDS, ISSUER, DETECTOR, INBOUND, OUTBOUND, TRANSPARENT] = [18_000, 18_443, 18_001, 15_006, 15_001, 15_007]
export const USER = 65_533
const without = (taken: readonly string[]): string => CAPABILITIES.split(',').filter((each) => !taken.includes(each.slice(1))).join(',')
/** What the container has where redirecting is allowed, and not one more. */
const CAPABILITIES = '-all,+net_admin,+net_raw,+setuid,+setgid,+kill'
export const UID = 'uid-of-cart-0'

export interface PodWithProxyOptions {
  /** Further addresses of the pods. */
  readonly alsoAt?: Partial<Record<'victim' | 'scanner' | 'client', readonly string[]>>
  readonly httpPorts?: readonly number[]
  /** Takes NET_RAW from the proxy's container, as a runtime may. */
  readonly withoutNetRaw?: boolean
  /** Without a redirect, and without NET_ADMIN: the proxy's own ports, each for one of the application on loopback. */
  readonly explicitPorts?: readonly { readonly listen: number, readonly application: number }[]
}

/** A pod `victim` with applications, and our servers, of which only the issuer is there at first. */
export async function podWithProxy (t: Test, { alsoAt = {}, httpPorts = [], explicitPorts = [], withoutNetRaw = false }: PodWithProxyOptions = {}) {
  const mode = explicitPorts.length === 0 ? 'redirect' : 'explicit'
  const lab = await Lab.start({ pods: (['victim', 'scanner', 'client'] as const).map((name, index) => ({ name, address: `10.67.0.${index + 1}`, alsoAt: alsoAt[name] ?? [] })) })
  t.teardown(() => lab[Symbol.asyncDispose]())
  const [victim, scanner, client] = [lab.pod('victim'), lab.pod('scanner'), lab.pod('client')]
  const root = new Root()
  const api = new FakeKubernetes()
  knowTokens(api, new Map([['good', reviewOf()]]))
  seedPod(api)
  const issuer = new CertificateIssuer({ api, authority: { current: () => root.authority }, trustDomain: TRUST_DOMAIN, namespace: 'autoshield', clock: { now: Date.now } })
  const control = await startControl(t, issuer, fixedCredentials(root.issue('controller')))
  let xdsPort = 1 // nobody listens there
  let detectorPort: number | null = null
  for (const [inside, port] of [[ISSUER, () => Number(control.endpoint.split(':')[1])], [XDS, () => xdsPort]] as const) {
    const way = await relay(victim, inside, port)
    t.teardown(() => way[Symbol.asyncDispose]())
  }
  const identity = join(victim.folder, 'token')
  await mkdir(identity)
  await writeFile(join(identity, 'token'), 'good')
  await writeFile(join(identity, 'ca.pem'), root.authority.bundle)
  // As kubelet makes a volume of a pod with an fsGroup: what is made in it has that group, unless it is told otherwise.
  await victim.must(`install -d -m 2777 -g 4000 ${join(victim.folder, 'proxy')}`)
  const envoy = join(lab.folder, 'envoy') // another user cannot look into root's cache
  await copyFile(envoyBinary(), envoy)
  const fleet = new Fleet({ clock: { now: Date.now }, defaultInbound: { mode: 'redirect', port: INBOUND } })
  const logSocket = join(victim.folder, 'als.sock')
  const spec = proxySpecOf({ uid: UID, addresses: [victim.address], proxy: { mode, inboundPort: INBOUND, ...mode === 'redirect' ? { transparentPort: TRANSPARENT } : {}, outboundPort: mode === 'redirect' ? OUTBOUND : null, httpPorts: [...httpPorts], explicitPorts: [...explicitPorts], accessLog: true } })
  // Pods of a laboratory share the machine's files.
  if (spec !== null) fleet.setProxies([{ ...spec, accessLog: { socket: logSocket } }])
  const adminSocket = join(victim.folder, 'proxy', 'admin', 'admin.sock')
  return {
    lab,
    victim,
    scanner,
    client,
    fleet,
    root,
    /** Where the kept Envoy's admin interface is. */
    adminSocket,
    /** One in front of the victim, unless `spec` says otherwise. */
    restriction: (name: string, sources: readonly string[], spec: Partial<Mitigation['spec']> = {}): Mitigation =>
      mitigationOf(name, { subject: { uid: name, addresses: [...sources] }, victims: [{ uid: UID, addresses: [...victim.addresses] }], ...spec }),
    /** Serves until it is stopped or the test ends; in a laboratory that is abandoned, the streams end with their Envoys. */
    serveXds: async (): Promise<{ stop: () => Promise<void> }> => {
      const over = new AbortController()
      const server = new XdsServer({ fleet, credentials: fixedCredentials(root.issue('xds')), trustDomain: TRUST_DOMAIN, listen: { host: '127.0.0.1', port: 0 }, log: pino({ level: 'silent' }) })
      const running = server.run(over.signal)
      const stop = async (): Promise<void> => {
        over.abort()
        await running
      }
      t.teardown(stop)
      xdsPort = await server.port
      return { stop }
    },
    /** `detector`: its port on this machine. Again, once it has ended. */
    startObserver: async (detector: number): Promise<LabProcess> => {
      if (detectorPort === null) {
        const way = await relay(victim, DETECTOR, () => detectorPort ?? detector)
        t.teardown(() => way[Symbol.asyncDispose]())
      }
      detectorPort = detector
      return victim.spawnInNetwork([
        process.execPath, MAIN, 'observer', '--cluster', '--source', 'packet', '--als-socket', logSocket, '--address', victim.address, '--detector', `127.0.0.1:${DETECTOR}`,
        '--issuer', `127.0.0.1:${ISSUER}`, '--xds', `127.0.0.1:${XDS}`, '--trust-domain', TRUST_DOMAIN, '--credentials', identity,
      ], { timeoutMs: 100_000 })
    },
    startAgent: (): LabProcess => victim.spawnInNetwork([
      'setpriv', '--regid', String(USER), '--clear-groups', '--bounding-set', without(mode === 'redirect' ? withoutNetRaw ? ['net_raw'] : [] : ['net_admin', 'net_raw']), '--inh-caps=-all', '--no-new-privs', process.execPath, MAIN, 'proxy', '--pod-uid', UID, '--namespace', 'shop',
      '--xds', `127.0.0.1:${XDS}`, '--issuer', `127.0.0.1:${ISSUER}`, '--detector', '127.0.0.1:1', '--trust-domain', TRUST_DOMAIN, '--credentials', identity,
      '--folder', join(victim.folder, 'proxy'), '--envoy', envoy, '--user', String(USER), ...mode === 'redirect' ? ['--inbound', String(INBOUND), '--transparent', String(TRANSPARENT), '--outbound', String(OUTBOUND), '--direct-port', '8099', '--als-socket', logSocket] : [],
    ], { timeoutMs: 100_000 }),
  }
}
