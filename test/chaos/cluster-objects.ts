import { ANNOTATIONS, PROXY_CONTAINER, PROXY_PORTS, TOKEN_AUDIENCE } from '../../src/core/injection/names.ts'
import type { InjectionStatus } from '../../src/core/injection/status.ts'

export const OWN = 'autoshield'
export const SHOP = 'shop'
/** Short lives, so that much begins and ends while much is killed. */
export const TTL_SECONDS = 10

export const SETTINGS = 'image: autoshield:0\ndetector: "127.0.0.1:1"\nidentity: "127.0.0.1:1"\nrevision: chaos\n'
export const POLICY = JSON.stringify({
  rules: [{
    id: 'scan',
    name: 'Scan',
    attack_class: 'PORT_SCAN',
    confidence_threshold: 0.6,
    cooldown_seconds: 5,
    blast_radius_limit: 10,
    ttl_seconds: TTL_SECONDS,
    actions: [{ action_type: 'network_policy', parameters: { direction: 'both', ports: 'any' } }],
  }],
})
export const BUDGETS = { actionsPerMinute: 24, source: 10, target: 16, rule: 24 } as const
const { actionsPerMinute, ...budgets } = BUDGETS
/** Budgets that are reached now and then; the circuit stays closed, for kills are no reason to rest. */
export const SAFETY = JSON.stringify({
  actionsPerMinute, budgets, breaker: { failures: 10_000, refusals: 10_000, regrets: 10_000 }, maxShareOfWorkload: 1, maxShareOfTraffic: 1, unfamiliarTraffic: 'act',
})

export interface PodForm {
  readonly namespace: string
  readonly name: string
  readonly address: string
  readonly account: string
  readonly labels: Readonly<Record<string, string>>
  readonly proxied: boolean
}

const INJECTED: InjectionStatus = {
  revision: 'chaos',
  template: 'x',
  source: 'packet',
  level: 'privileged',
  form: 'native',
  why: 'chaos',
  containers: [PROXY_CONTAINER],
  volumes: [],
  proxy: { mode: 'redirect', inboundPort: PROXY_PORTS.inbound, transparentPort: PROXY_PORTS.transparent, outboundPort: null, httpPorts: [], explicitPorts: [] },
}

/** A pod that no kubelet runs. */
export const podObject = ({ namespace, name, account, labels, proxied }: PodForm): string => JSON.stringify({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace, labels, ...(proxied && { annotations: { [ANNOTATIONS.status]: JSON.stringify(INJECTED) } }) },
  spec: { schedulerName: 'nobody', serviceAccountName: account, containers: [{ name: 'app', image: 'none' }] },
})

/** As a kubelet would say of it. */
export const podStatus = ({ address }: PodForm): string => JSON.stringify({
  status: { phase: 'Running', podIP: address, podIPs: [{ ip: address }], conditions: [{ type: 'Ready', status: 'True' }] },
})

/** For the API server itself, or for our authority; each speaks for its pod. */
export const tokenRequest = ({ namespace, name, account }: PodForm, audience: 'api' | 'authority'): readonly string[] => [
  '-n', namespace, 'create', 'token', account, '--bound-object-kind', 'Pod', '--bound-object-name', name, '--duration', '12h', ...audience === 'api' ? [] : ['--audience', TOKEN_AUDIENCE],
]

/** Every right: which they need is another test's matter. */
export const RIGHTS = JSON.stringify({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRoleBinding',
  metadata: { name: 'chaos' },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
  subjects: [{ kind: 'Group', apiGroup: 'rbac.authorization.k8s.io', name: `system:serviceaccounts:${OWN}` }],
})
