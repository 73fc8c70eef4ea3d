import { setTimeout as delay } from 'node:timers/promises'
import { readLease } from '../../src/adapters/kubernetes/stored-lease.ts'
import { fromStored } from '../../src/adapters/kubernetes/stored-mitigation.ts'
import { RESOURCES } from '../../src/core/kubernetes/resource.ts'
import { readPod } from '../../src/core/kubernetes/read-pod.ts'
import type { Mitigation } from '../../src/core/mitigation/mitigation.ts'
import { POD_LABEL } from '../../src/core/plan/pod-mark.ts'
import { MITIGATION_LABEL } from '../../src/core/plan/objects.ts'
import type { Policy } from '../../src/core/plan/reach/policy.ts'
import { Reach } from '../../src/core/plan/reach/reach.ts'
import { readPolicy } from '../../src/core/plan/reach/read-policy.ts'
import type { KubernetesApi } from '../../src/ports/kubernetes.ts'
import { OWN, SHOP } from './cluster-objects.ts'
import type { Judged, StoredPolicy } from './diary.ts'
import { FRIEND, VICTIMS } from './ground.ts'

/** Where everybody is served. */
export const PORT = 8080

export interface Sight {
  readonly mitigations: readonly Mitigation[]
  readonly unfinished: readonly string[]
  readonly policies: readonly (StoredPolicy & { readonly policy: Policy })[]
  readonly marked: readonly string[]
}

/** What the API server has now. Rejects where it is away. */
export async function look (api: KubernetesApi): Promise<Sight> {
  const [objects, policies, pods] = await Promise.all([api.list(RESOURCES.mitigations, { namespace: OWN }), api.list(RESOURCES.networkPolicies), api.list(RESOURCES.pods, { namespace: SHOP })])
  return {
    mitigations: objects.flatMap((object) => fromStored(object) ?? []),
    unfinished: objects.filter((object) => object['status'] === undefined).map(({ metadata }) => metadata.name),
    policies: policies.map((object) => ({ key: `${object.metadata.namespace ?? ''}/${object.metadata.name}`, mitigation: object.metadata.annotations?.[MITIGATION_LABEL] ?? '', policy: readPolicy(object) })),
    marked: pods.filter(({ metadata }) => metadata.labels?.[POD_LABEL] !== undefined).map(({ metadata }) => metadata.name),
  }
}

/** Judges the policies that are stored by those mitigations that say of them before and after that they stand. Rejects where the API server is away. */
export async function judge (api: KubernetesApi): Promise<readonly Judged[]> {
  const before = standing((await look(api)).mitigations)
  const [{ policies }, pods] = await Promise.all([look(api), api.list(RESOURCES.pods)])
  const namespaces = (await api.list(RESOURCES.namespaces)).map(({ metadata: { name, labels = {} } }) => ({ name, labels }))
  const after = standing((await look(api)).mitigations)
  const reach = new Reach({ pods: pods.flatMap((object) => readPod(object) ?? []), namespaces, nodes: [], policies: policies.map(({ policy }) => policy), plugin: 'most' })
  const passes = (source: string, destination: string): boolean => reach.verdict({ source, destination, protocol: 'TCP', port: PORT }).allowed
  const atMs = Date.now()
  const innocent = VICTIMS.filter(({ address }) => !passes(FRIEND.address, address)).map(({ name }) => `${FRIEND.name} > ${name}`)
  const ofMitigations = [...before.values()].filter(({ metadata: { name } }) => after.has(name)).map(({ metadata: { name }, spec: { subject, victims } }) => ({
    atMs,
    mitigation: name,
    open: subject === 'anySource' ? [] : victims.flatMap((victim) => subject.addresses.flatMap((source) => victim.addresses.filter((address) => passes(source, address)).map((address) => `${source} > ${address}`))),
    cut: [],
  }))
  return [...ofMitigations, ...innocent.length === 0 ? [] : [{ atMs, mitigation: 'all that were stored', open: [], cut: innocent }]]
}

/** Those that their policies carry. One whose time has come promises nothing any more, though its end may not be written yet. */
const standing = (mitigations: readonly Mitigation[]): ReadonlyMap<string, Mitigation> => new Map(mitigations.filter(({ spec, status: { phase, targets } }) => {
  const carried = targets.filter(({ target }) => target.startsWith('networkpolicy/'))
  return phase === 'active' && Date.parse(spec.expiresAt) > Date.now() && spec.policies !== undefined && carried.length > 0 && carried.every(({ state }) => state === 'programmed')
}).map((mitigation) => [mitigation.metadata.name, mitigation]))

/** Pods by what the lease says. */
export interface Lead {
  /** Who holds it, or held it last; null where it was laid down, or never taken. */
  readonly holder: string | null
  /** Who has all that was acknowledged. */
  readonly inStep: readonly string[]
}

const podOf = (replica: string): string => replica.split('_')[0] ?? replica

/** Rejects where the API server is away. */
export async function leadOf (api: KubernetesApi): Promise<Lead> {
  const lease = await api.get(RESOURCES.leases, 'autoshield-controller', OWN)
  if (lease === null) return { holder: null, inStep: [] }
  const { holder, inSync } = readLease(lease)
  return { holder: holder === null ? null : podOf(holder), inStep: inSync.map(podOf) }
}

/** Does something again and again until the signal aborts; what fails meanwhile fails because something is killed. */
export async function repeatedly (everyMs: number, signal: AbortSignal, act: () => Promise<unknown>): Promise<void> {
  while (!signal.aborted) {
    await act().catch(() => undefined)
    await delay(everyMs, undefined, { signal }).catch(() => undefined)
  }
}
