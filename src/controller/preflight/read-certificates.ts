import { createPrivateKey, X509Certificate } from 'node:crypto'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { RESOURCES } from '../../core/kubernetes/resource.ts'
import type { CertificateFacts } from '../../core/preflight/check-certificates.ts'
import type { WebhookEntry } from '../../core/preflight/webhook-entry.ts'
import type { KubernetesApi } from '../../ports/kubernetes.ts'
import { WEBHOOK_SERVICE } from '../../core/injection/names.ts'

/** Of type kubernetes.io/tls; the controller writes it, and webhooks read it. */
const SERVING_SECRET = 'autoshield-webhook-tls'
const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g
const Secret = Compile(Type.Object({ data: Type.Object({ 'tls.crt': Type.String(), 'tls.key': Type.String() }) }))

/** A sentence in place of facts where there is no pair that can be read. */
export async function readCertificates (api: KubernetesApi, ownNamespace: string, entries: readonly WebhookEntry[]): Promise<CertificateFacts | string> {
  const secret = `${ownNamespace}/${SERVING_SECRET}`
  const object = await api.get(RESOURCES.secrets, SERVING_SECRET, ownNamespace)
  if (object === null) return `There is no Secret ${secret}, so the webhook has no certificate.`
  if (!Secret.Check(object)) return `The Secret ${secret} has no tls.crt and tls.key.`
  const { data } = object
  const chain = certificatesIn(text(data['tls.crt']))
  const [leaf] = chain
  if (leaf === undefined) return `What lies under tls.crt in Secret ${secret} is no certificate.`
  const name = `${WEBHOOK_SERVICE}.${ownNamespace}.svc`
  const called = entries.filter(({ ours, clientConfig }) => ours && clientConfig.service?.namespace === ownNamespace)
  const trusted = called.map((entry) => ({ entry, authorities: certificatesIn(text(entry.clientConfig.caBundle ?? '')) }))
  const ends = trusted.flatMap(({ authorities }) => authorities).filter((authority) => leaf.verify(authority.publicKey)).map(({ validTo }) => Date.parse(validTo))
  return {
    secret,
    notBeforeMs: Date.parse(leaf.validFrom),
    notAfterMs: Date.parse(leaf.validTo),
    name,
    carriesName: leaf.checkHost(name) !== undefined,
    keyFits: keyFits(leaf, text(data['tls.key'])),
    disbelieving: [...new Set(trusted.filter(({ authorities }) => !authorities.some((authority) => leaf.verify(authority.publicKey))).map(({ entry }) => `${entry.kind} ${entry.configuration}`))],
    authorityEndsMs: Math.min(...ends, Date.parse('9999-12-31T00:00:00Z')),
  }
}

const text = (base64: string): string => Buffer.from(base64, 'base64').toString()

/** What cannot be read is no certificate that verifies anything. */
function certificatesIn (pem: string): readonly X509Certificate[] {
  return (pem.match(PEM) ?? []).flatMap((one) => {
    try {
      return [new X509Certificate(one)]
    } catch {
      return []
    }
  })
}

function keyFits (leaf: X509Certificate, pem: string): boolean {
  try {
    return leaf.checkPrivateKey(createPrivateKey(pem))
  } catch {
    return false // no key
  }
}
