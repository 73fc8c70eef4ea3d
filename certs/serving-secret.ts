import { LABELS, MANAGED_BY } from '../src/core/injection/names.ts'
import type { Credentials } from '../src/core/identity.ts'
import type { KubernetesObject } from '../src/core/kubernetes/object.ts'
import { dataOf, isOurs, textOf } from './secret-data.ts'

/** Holds the webhook's serving pair, which all replicas share. */
export const SERVING_SECRET = 'autoshield-webhook-tls'

/** cert-manager writes it on each Secret that it fills. */
const CERT_MANAGER = 'cert-manager.io/certificate-name'

/** Names under which a Service is dialled; the first is the one that the API server checks. */
export const serviceNames = (service: string, namespace: string): readonly [string, string] =>
  [`${service}.${namespace}.svc`, `${service}.${namespace}.svc.cluster.local`]

/** Whether the pair is somebody else's: it is used as it is and never written. */
export const isForeignPair = (secret: KubernetesObject): boolean => !isOurs(secret) || secret.metadata.annotations?.[CERT_MANAGER] !== undefined

/** As a Secret of type kubernetes.io/tls has it, with cert-manager's `ca.crt` beside. Missing parts are empty. */
export const readPair = (secret: KubernetesObject): Credentials =>
  ({ certificate: textOf(secret, 'tls.crt'), key: textOf(secret, 'tls.key'), authorities: textOf(secret, 'ca.crt') })

export const pairData = ({ certificate, key, authorities }: Credentials): Record<string, string> =>
  dataOf({ 'tls.crt': certificate, 'tls.key': key, 'ca.crt': authorities })

export const newPairSecret = (namespace: string, pair: Credentials): object =>
  ({ apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/tls', metadata: { name: SERVING_SECRET, namespace, labels: { [LABELS.managedBy]: MANAGED_BY } }, data: pairData(pair) })
