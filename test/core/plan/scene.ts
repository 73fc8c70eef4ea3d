import type { Pod } from '../../../src/core/pod.ts'
import { optionsOf, type Placing } from '../../../src/core/plan/choose-policies.ts'
import type { Plan, PlanContext } from '../../../src/core/plan/plan.ts'
import { renderPolicies, type Rendered } from '../../../src/core/plan/render-policies.ts'
import { parsePolicy } from '../../../src/core/policy/parse-policy.ts'
import type { Action, Rule } from '../../../src/core/policy/rule.ts'
import type { Detection } from '../../../src/core/verdict/detection.ts'

export const NOW_MS = Date.parse('2026-06-01T12:00:00Z')

export const podOf = (name: string, address: string, overrides: Partial<Pod> = {}): Pod => ({
  uid: `0b5c7e6e-1111-4222-8333-00000000000${address.at(-1) ?? ''}`, namespace: 'shop', name, addresses: [address], labels: { app: name.replace(/-\d+$/, '') }, node: 'n1', ...overrides,
})

/** Two siblings of one Deployment, a database of a StatefulSet, and a pod in another namespace on another node, with both address families. */
export const PODS = {
  web0: podOf('web-0', '10.0.0.1'),
  web1: podOf('web-1', '10.0.0.2'),
  db: podOf('db-0', '10.0.0.3', { labels: { app: 'db', 'statefulset.kubernetes.io/pod-name': 'db-0' } }),
  far: podOf('far-0', '10.0.1.4', { namespace: 'other', node: 'n2', addresses: ['10.0.1.4', 'fd00::4'] }),
}

export const context = (overrides: Partial<PlanContext> = {}): PlanContext => ({
  policy: 'default.yaml',
  ruleHash: 'a'.repeat(64),
  mitigation: 'm-1',
  pods: Object.values(PODS),
  evidence: { completedHandshake: true, confirmedByOwnObserver: false, standsForMany: false },
  nowMs: NOW_MS,
  spared: ['kube-system'],
  inForce: [],
  mode: 'enforce',
  ...overrides,
})

export function detectionOf (overrides: Partial<Detection> = {}): Detection {
  return {
    id: 'd-1',
    class: 'PORT_SCAN',
    kind: 'pair',
    source: { address: '10.0.0.1', uid: PODS.web0.uid, name: 'web-0', namespace: 'shop' },
    target: { address: '10.0.0.3' },
    phase: 'open',
    confidence: 0.97,
    firstSeen: '2026-06-01T11:59:58.000Z',
    lastSeen: '2026-06-01T12:00:00.000Z',
    delaySeconds: 0.6,
    count: 2,
    witnesses: [],
    explanation: { sentence: '10.0.0.1 tried 900 ports of 10.0.0.3: "closed", all of them', evidence: [], tensor: [], stepMs: 500, windowNumber: 1 },
    technique: { id: 'T1046', name: 'Network Service Discovery', url: 'https://attack.mitre.org/techniques/T1046/' },
    model: 'v1',
    chain: 'c-1',
    simulated: false,
    ...overrides,
  }
}

/** A rule with one action, read from YAML like any other. */
export function ruleOf (action: string, keys = ''): { rule: Rule, action: Action } {
  const parsed = parsePolicy(`rules: [{ id: test, name: "Test rule: #1", attack_class: PORT_SCAN, ttl_seconds: 600, ${keys} actions: [{ action_type: ${action} }] }]`, 'default.yaml')
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  const rule = parsed.policy.rules[0]
  const only = rule?.actions[0]
  if (rule === undefined || only === undefined) throw new Error('no rule')
  return { rule, action: only }
}

/** What carries a plan where nobody chose: the largest of its options. */
export function renderedOf (plan: Plan, pods: readonly Pod[] = Object.values(PODS), placing: Placing = 'by-direction'): Rendered {
  if (plan.spec === null) throw new Error(plan.message)
  const policies = [...optionsOf(plan.spec, placing, 'most').at(-1) ?? []]
  return renderPolicies('m-1', { ...plan.spec, policies }, { byUid: (uid) => pods.find((pod) => pod.uid === uid) ?? null, spared: ['kube-system'], inForce: [] })
}
