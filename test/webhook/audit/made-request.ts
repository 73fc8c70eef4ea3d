import type { AuditContext } from '../../../webhook/audit/audit-admission.ts'
import { ownServiceAccounts } from '../../../webhook/audit/admission-audit.ts'
import type { AdmissionRequest } from '../../../webhook/review.ts'
import type { Namespace } from '../../../src/core/kubernetes/object.ts'

type Object = Record<string, unknown>

/** `apps/deployments`, `/pods/exec`. */
export interface Made {
  readonly on: string
  readonly operation?: AdmissionRequest['operation']
  readonly before?: Object
  readonly after?: Object
  readonly user?: string
  readonly namespace?: string
  readonly name?: string
  readonly dryRun?: boolean
}

export const ANNA = 'anna@example.org'
export const AT = Date.parse('2026-03-01T12:00:00Z')

export function request ({ on, operation, before, after, user = ANNA, namespace = 'shop', name = 'web', dryRun = false }: Made): AdmissionRequest {
  const [group = '', resource = '', subResource = ''] = on.split('/')
  return {
    uid: '5f2a',
    kind: { group, version: 'v1', kind: '' },
    resource: { group, version: 'v1', resource },
    subResource,
    name,
    namespace,
    operation: operation ?? (before === undefined ? 'CREATE' : after === undefined ? 'DELETE' : 'UPDATE'),
    userInfo: { username: user, groups: ['system:authenticated'] },
    object: after ?? null,
    oldObject: before ?? null,
    dryRun,
  }
}

export const namespace = (labels: Record<string, string> = {}, name = 'shop'): Namespace => ({ name, labels, annotations: {} })

export const context = (given: Partial<AuditContext> = {}): AuditContext => ({
  namespace: namespace({ 'autoshield.dev/injection': 'enabled' }),
  ownUsers: ownServiceAccounts('autoshield'),
  ownNamespace: 'autoshield',
  excludedNamespaces: ['kube-system', 'kube-node-lease'],
  injection: null,
  hasTrueStatus: null,
  nowMs: AT,
  ...given,
})

export const pod = (spec: Object = {}, metadata: Object = {}): Object => ({ metadata: { name: 'web', uid: 'u1', ...metadata }, spec: { containers: [{ name: 'app', image: 'app:1' }], ...spec } })
export const app = (container: Object): Object => pod({ containers: [{ name: 'app', image: 'app:1', ...container }] })
/** A workload whose template is this pod. */
export const workload = (template: Object): Object => ({ metadata: { name: 'web', uid: 'w1' }, spec: { template } })
export const labelled = (labels: Record<string, string>, name = 'shop'): Object => ({ metadata: { name, labels } })

const STATUS = JSON.stringify({ revision: 'default', template: 't1', source: 'packet', level: 'privileged', form: 'native', why: 'the namespace allows it', containers: ['autoshield-observer'], volumes: ['autoshield-identity'] })
/** A pod as the injector leaves it. */
export const injected = (metadata: Object = {}, image = 'autoshield:1'): Object => pod({
  initContainers: [{ name: 'autoshield-observer', image, restartPolicy: 'Always', securityContext: { capabilities: { add: ['NET_RAW', 'SETGID'], drop: ['ALL'] } } }],
  volumes: [{ name: 'autoshield-identity', projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } }],
}, { annotations: { 'autoshield.dev/status': STATUS, 'autoshield.dev/authorities': 'PEM', ...metadata } })
export { STATUS }
