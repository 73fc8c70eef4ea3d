import { LABELS, MANAGED_BY } from '../src/core/injection/names.ts'
import { RESOURCES } from '../src/core/kubernetes/resource.ts'
import type { KubernetesApi } from '../src/ports/kubernetes.ts'
import { reconcileUntil, scopeOf, type Reconciled } from './reconcile.ts'
import type { SecretAuthority } from './secret-authority.ts'

/** The ConfigMap that says whom observers and our own processes believe; no secret, and not the CA that vouches for a webhook's own pair. */
export const AUTHORITIES_MAP = { name: 'autoshield-authorities', key: 'ca.pem' } as const

export interface AuthoritiesMapOptions {
  readonly api: KubernetesApi
  readonly authority: Pick<SecretAuthority, 'bundle' | 'onChange'>
  readonly namespace: string
  readonly everyMs?: number
  readonly onFailure?: (error: unknown) => void
}

/** Keeps the ConfigMap at the authorities that are trusted now, until the signal aborts. */
export async function publishAuthorities ({ api, authority, namespace, everyMs = 60_000, onFailure }: AuthoritiesMapOptions, signal: AbortSignal): Promise<void> {
  const { name, key } = AUTHORITIES_MAP
  const reconcile = async (): Promise<Reconciled> => {
    try {
      await api.apply(RESOURCES.configMaps, {
        apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace, labels: { [LABELS.managedBy]: MANAGED_BY } }, data: { [key]: authority.bundle() },
      }, { force: true })
      return 'done'
    } catch (error) {
      onFailure?.(error)
      return 'failed'
    }
  }
  await reconcileUntil(signal, { api, resource: RESOURCES.configMaps, scope: scopeOf(name, namespace), everyMs, also: (listener) => authority.onChange(listener), reconcile })
}
