import type { Mitigation } from '../../../src/core/mitigation/mitigation.ts'
import type { Decision } from '../../../src/core/policy/decision.ts'
import type { Detection } from '../../../src/core/verdict/detection.ts'

const AT = '2026-01-02T03:04:05.000Z'

export const sampleDetection = (id: string, changes: Partial<Detection> = {}): Detection => ({
  id,
  class: 'PORT_SCAN',
  kind: 'pair',
  source: { address: '10.0.0.7' },
  target: { address: '10.0.0.9', uid: 'u9', name: 'db-0', namespace: 'shop' },
  phase: 'open',
  confidence: 0.97,
  firstSeen: AT,
  lastSeen: AT,
  delaySeconds: 0.5,
  count: 1,
  witnesses: [{ reporter: 'spiffe://autoshield.local/ns/shop/pod/u9', quality: 0, agrees: null }],
  explanation: { sentence: 'a scan', evidence: [], tensor: [], stepMs: 500, windowNumber: 1 },
  technique: null,
  model: 'm1',
  chain: `chain-${id}`,
  simulated: false,
  ...changes,
})

export const sampleDecision = (id: string): Decision => ({
  id,
  at: AT,
  detection: 'd1',
  policy: 'p',
  rule: 'r',
  ruleHash: 'h',
  action: 'alert_only',
  verdict: 'alert',
  reason: 'AlertOnly',
  message: 'm',
  safety: [],
  mitigation: null,
  plan: [],
})

/** `place` puts it later than those of a lower one. */
export const sampleMitigation = (name: string, phase: Mitigation['status']['phase'] = 'active', place = 0): Mitigation => ({
  apiVersion: 'autoshield.dev/v1alpha1',
  kind: 'Mitigation',
  metadata: { name, uid: `uid-${name}`, generation: 1, creationTimestamp: after(place), annotations: { 'autoshield.dev/case': 'c1' } },
  spec: {
    owner: { policy: 'p', rule: 'r', hash: 'h' },
    detection: 'd1',
    subject: { uid: 'u7', addresses: ['10.0.0.7'], namespace: 'shop', name: 'web-0' },
    victims: [{ uid: 'u9', addresses: ['10.0.0.9'] }],
    direction: 'ingress',
    ports: 'any',
    action: 'deny',
    mode: 'enforce',
    expiresAt: after(place + 600_000),
    reason: 'because',
  },
  status: {
    phase,
    simulated: false,
    conditions: [{ type: 'Accepted', status: 'True', reason: 'Stored', message: 'The mitigation is valid and stored.', lastTransitionTime: AT, observedGeneration: 1 }],
    targets: [{ target: 'proxy/u9', state: 'pending', version: '', message: '' }],
    undo: 'takes it back',
    ...(phase !== 'active' && { endedAt: after(place + 1) }),
  },
})

const after = (ms: number): string => new Date(Date.parse(AT) + ms).toISOString()
