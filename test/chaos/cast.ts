import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AUTHORITIES_MAP } from '../../certs/authorities-map.ts'
import { PROXY_PORTS, PROXY_USER } from '../../src/core/injection/names.ts'
import type { Pod } from '../lab/pod.ts'
import { processesIn } from '../lab/processes-in.ts'
import { Running } from '../program.ts'
import { until } from '../xds/real-envoy.ts'
import { OWN, type PodForm, SHOP } from './cluster-objects.ts'
import { ATTACKERS, CONTROL, CONTROLLERS, DETECTOR, type Ground, SHOP_PODS, VICTIMS, XDS } from './ground.ts'
import { Member } from './member.ts'

const TRUST_DOMAIN = 'autoshield.local'
const [ISSUER, INGEST, ADS] = [`${CONTROL}:8444`, `${DETECTOR.address}:18001`, `${XDS.address}:18000`]
export const LEASE_SECONDS = 4
/** On a machine with far too much to do, leaders lose their leases to one another until all has started. */
const UP_WITHIN_MS = 600_000

/** Every process of the product in a run. */
export interface Cast {
  readonly controllers: readonly { readonly pod: PodForm, readonly data: string, readonly api: string, readonly member: Member }[]
  readonly detector: Member
  readonly xds: Member
  readonly observers: readonly Member[]
  readonly keepers: readonly { readonly victim: PodForm, readonly member: Member, readonly envoys: () => readonly number[] }[]
  readonly members: readonly Member[]
}

const inNetworkOf = (pod: Pod): string[] => ['setpriv', '--pdeathsig', 'KILL', 'nsenter', `--net=/proc/${pod.pid}/ns/net`]
/** What a proxy's container has where redirecting is allowed. Another group forgets whose death it was to follow. */
const AS_PROXY = ['setpriv', '--pdeathsig', 'KILL', '--regid', String(PROXY_USER), '--clear-groups', '--bounding-set', '-all,+net_admin,+net_raw,+setuid,+setgid,+kill', '--inh-caps=-all', '--no-new-privs']

/** Starts them all, the controllers first, for which somebody points their Service to the one that leads, and waits until the proxies are in front of their pods. `log` gets all that each has said, when it ends. */
export async function startCast (ground: Ground, later: (end: () => Promise<unknown>) => void, log: (name: string, text: string) => void): Promise<Cast> {
  const { lab, kubectl } = ground
  const member = (name: string, args: readonly string[], within: readonly string[]): Member => {
    const started = new Member(name, () => Running.start(args, { ENABLE_ACTUATION: 'true' }, within))
    later(async () => {
      await started[Symbol.asyncDispose]()
      log(name, started.said)
    })
    return started
  }
  const central = (name: string, args: readonly string[]): Member => member(name, args, inNetworkOf(lab.gateway))
  const controllers = await Promise.all(CONTROLLERS.map(async (pod, at) => {
    const data = join(lab.folder, `${pod.name}.data`)
    await mkdir(data)
    const api = 8000 + at
    return { pod, data, api: `http://127.0.0.1:${api}`, member: central(pod.name, controllerArguments(ground, pod, { data, api, at })) }
  }))
  const authorities = await until('the authorities are published', async () => {
    const { data } = JSON.parse(await kubectl(['-n', OWN, 'get', 'configmap', AUTHORITIES_MAP.name, '-o', 'json']).catch(() => '{}')) as { data?: Record<string, string> }
    return data?.[AUTHORITIES_MAP.key]
  }, UP_WITHIN_MS)
  for (const pod of [DETECTOR, XDS, ...SHOP_PODS]) await writeFile(join(ground.credentialsOf(pod), AUTHORITIES_MAP.key), authorities)

  const issued = (pod: PodForm): string[] => ['--issuer', ISSUER, '--credentials', ground.credentialsOf(pod), '--trust-domain', TRUST_DOMAIN]
  const detector = central(DETECTOR.name, ['detector', '--cluster', '--kubeconfig', ground.kubeconfigOf(DETECTOR), '--listen', INGEST, ...issued(DETECTOR)])
  const xds = central(XDS.name, ['xds', '--kubeconfig', ground.kubeconfigOf(XDS), '--listen', ADS, '--metrics', `${XDS.address}:9100`, ...issued(XDS)])
  const observers = [...VICTIMS, ...ATTACKERS].map((pod) => member(`observer of ${pod.name}`,
    ['observer', '--cluster', '--source', 'packet', '--address', pod.address, '--detector', INGEST, '--xds', ADS, ...issued(pod)], inNetworkOf(lab.pod(pod.name))))
  const keepers = await Promise.all(VICTIMS.map(async (victim) => {
    const pod = lab.pod(victim.name)
    await pod.must(`install -d -m 2777 ${join(pod.folder, 'proxy')}`)
    const args = ['proxy', '--pod-uid', ground.uids.get(victim.name) ?? '', '--namespace', SHOP, '--xds', ADS, '--detector', INGEST, ...issued(victim),
      '--folder', join(pod.folder, 'proxy'), '--envoy', ground.files.envoy, '--user', String(PROXY_USER), '--inbound', String(PROXY_PORTS.inbound), '--transparent', String(PROXY_PORTS.transparent)]
    return { victim, member: member(`keeper of ${victim.name}`, args, [...inNetworkOf(pod), ...AS_PROXY]), envoys: () => processesIn(pod, 'envoy') }
  }))
  for (const { member: { running } } of keepers) await running.saying(/connections are redirected/, UP_WITHIN_MS)
  return { controllers, detector, xds, observers, keepers, members: [...controllers.map((each) => each.member), detector, xds, ...observers, ...keepers.map((each) => each.member)] }
}

export const leaderOf = (names: string): PodForm | undefined => CONTROLLERS.find(({ name }) => names.trim() === `pod/${name}`)

function controllerArguments ({ kubeconfigOf, files }: Ground, pod: PodForm, { data, api, at }: { data: string, api: number, at: number }): string[] {
  return ['controller', '--label-rest-seconds', '5', '--kubeconfig', kubeconfigOf(pod), '--namespace', OWN, '--settings', files.settings, '--policy', files.policy, '--safety', files.safety, '--detector', INGEST, '--xds-port', '18000',
    '--data', data, '--control', `${pod.address}:8444`, '--webhook-url', 'https://127.0.0.1:1', '--api-port', String(api), '--dashboard-port', String(8081 + at), '--metrics-port', String(9090 + at),
    '--lease', 'autoshield-controller', '--lease-seconds', String(LEASE_SECONDS), '--pod', pod.name, '--replica-address', `${pod.address}:${8445 + at}`]
}
