import type { Mitigation } from '../../src/core/mitigation/mitigation.ts'

/** A mitigation as the controller writes them: enforcing, denying every port at the victim, of 127.0.0.66 towards the pod `victim`, unless told otherwise. */
export function mitigationOf (name: string, spec: Partial<Mitigation['spec']> = {}, status: Partial<Mitigation['status']> = {}): Mitigation {
  return {
    apiVersion: 'autoshield.dev/v1alpha1',
    kind: 'Mitigation',
    metadata: { name, uid: `uid-${name}`, generation: 1, creationTimestamp: '2026-01-01T00:00:00.000Z', annotations: {} },
    spec: {
      owner: { policy: 'default', rule: 'rule', hash: '' },
      detection: 'detection',
      subject: { uid: 'attacker', addresses: ['127.0.0.66'] },
      victims: [{ uid: 'victim', addresses: ['127.0.0.1'] }],
      direction: 'ingress',
      ports: 'any',
      action: 'deny',
      mode: 'enforce',
      expiresAt: '2100-01-01T00:00:00.000Z',
      reason: 'test',
      ...spec,
    },
    status: { phase: 'active', simulated: false, conditions: [], targets: [], undo: '', ...status },
  }
}

/** The same as of another time, in seconds of the year 2026. */
export function bornAt (second: number, mitigation: Mitigation): Mitigation {
  return { ...mitigation, metadata: { ...mitigation.metadata, creationTimestamp: secondOf2026(second) } }
}
export const secondOf2026 = (second: number): string => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString()
