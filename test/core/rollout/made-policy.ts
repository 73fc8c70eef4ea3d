import { firstStatus, NO_EVIDENCE } from '../../../src/core/rollout/advance.ts'
import type { Evidence, Group, MeshPolicy, MeshPolicySpec, MeshPolicyStatus } from '../../../src/core/rollout/mesh-policy.ts'
import { readMeshPolicySpec } from '../../../src/core/rollout/read-mesh-policy.ts'

export const AT = '2026-01-02T03:04:05.000Z'
export const AT_MS = Date.parse(AT)

/** A spec with all that a person may leave out left out. */
export function madeSpec (changes: object = {}): MeshPolicySpec {
  const read = readMeshPolicySpec({ restrictions: [{ name: 'scans', class: 'PORT_SCAN', action: 'deny' }], ...changes })
  if (!read.ok) throw new Error(read.problems.join('; '))
  return read.spec
}

export const madePolicy = (status: Partial<MeshPolicyStatus> = {}, spec: object = {}): MeshPolicy => ({
  apiVersion: 'autoshield.dev/v1alpha1',
  kind: 'MeshPolicy',
  metadata: { name: 'careful', uid: 'uid-careful', generation: 1, creationTimestamp: AT },
  spec: madeSpec(spec),
  status: { ...firstStatus(madeSpec(spec), AT), ...status },
})

/** Enough of everything, at ten pods of which two enforce. */
export const good = (changes: { enforcing?: Partial<Group>, others?: Partial<Group> } & Omit<Partial<Evidence>, 'enforcing' | 'others'> = {}): Evidence => ({
  ...NO_EVIDENCE,
  podsSeen: 10,
  inSync: 10,
  ...changes,
  enforcing: { pods: 2, attempts: 1_000, failed: 10, tried: 20, stopped: 0, ...changes.enforcing },
  others: { pods: 8, attempts: 4_000, failed: 40, tried: 50, stopped: 0, ...changes.others },
})
