import type { KeyObject, X509Certificate } from 'node:crypto'
import { Type, type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { AutoshieldError } from '../src/core/errors.ts'
import { LABELS, MANAGED_BY } from '../src/core/injection/names.ts'
import type { KubernetesObject } from '../src/core/kubernetes/object.ts'
import { isAuthorityOf, readMaterial, writeMaterial } from './authority.ts'
import type { RootRecord, Roots } from './root-rotation.ts'
import { dataOf, isOurs, textOf } from './secret-data.ts'

export const AUTHORITY_SECRET = 'autoshield-ca'
/** Set by a person, with any value, to have a new root made now; taken away when it is. */
export const ROTATE_ROOT = 'autoshield.dev/rotate-root'
/** Which root plays which part since when, so that a restart goes on where it was. */
const ROOTS = 'autoshield.dev/roots'

/** `ca.pem`: the signer's key, its certificate, then every other trusted one. `next.pem`: key and certificate of the root that will sign. */
const FILES = { authority: 'ca.pem', next: 'next.pem' } as const

const Parts = Type.Object({
  signer: Type.String(),
  next: Type.Union([Type.Null(), Type.Object({ id: Type.String(), trustedSince: Type.String() })]),
  retired: Type.Array(Type.Object({ id: Type.String(), retiredAt: Type.String() })),
})
type Parts = Static<typeof Parts>
const parts = Compile(Parts)

/** Roots with the certificates of all of them, and the keys of those that sign or will. */
export interface RootStore {
  readonly roots: Roots
  readonly certificates: ReadonlyMap<string, X509Certificate>
  readonly keys: ReadonlyMap<string, KeyObject>
}

/** SHA-256 over the certificate, and its end. */
export const recordOf = (certificate: X509Certificate): RootRecord =>
  ({ id: certificate.fingerprint256.replaceAll(':', '').toLowerCase(), notAfterMs: certificate.validToDate.getTime() })

/** Certificates in the order of the bundle: what signs, what will, what did. */
export const bundleOf = ({ roots, certificates }: RootStore): readonly [X509Certificate, ...X509Certificate[]] => {
  const { signer, next, retired } = roots
  const others = [...next === null ? [] : [next], ...retired].map(({ id }) => found(certificates, id))
  return [found(certificates, signer.id), ...others]
}

/** The key that signs. */
export const keyOf = ({ roots, keys }: RootStore): KeyObject => found(keys, roots.signer.id)

/** Labels, annotations and data of the Secret; what else is in the object's metadata belongs to the API server. */
export function writeRoots (store: RootStore): Pick<KubernetesObject, 'metadata'> & { readonly data: Record<string, string> } {
  const { roots: { signer, next, retired }, certificates, keys } = store
  const said: Parts = {
    signer: signer.id,
    next: next === null ? null : { id: next.id, trustedSince: new Date(next.trustedSinceMs).toISOString() },
    retired: retired.map(({ id, retiredAtMs }) => ({ id, retiredAt: new Date(retiredAtMs).toISOString() })),
  }
  return {
    metadata: { name: AUTHORITY_SECRET, labels: { [LABELS.managedBy]: MANAGED_BY }, annotations: { [ROOTS]: JSON.stringify(said) } },
    data: dataOf({
      [FILES.authority]: writeMaterial({ key: found(keys, signer.id), certificates: bundleOf(store) }),
      ...next === null ? {} : { [FILES.next]: writeMaterial({ key: found(keys, next.id), certificates: [found(certificates, next.id)] }) },
    }),
  }
}

/**
 * Reads what `writeRoots` wrote. A trusted certificate of which the annotation says nothing stays until it ends. Throws UNTRUSTED
 * for a Secret that does not say that it is ours, BAD_DATA for a damaged one, one of another trust domain, or an authority that others made.
 */
export function readRoots (secret: KubernetesObject, trustDomain: string): RootStore {
  const where = `Secret ${secret.metadata.namespace ?? ''}/${secret.metadata.name}`
  if (!isOurs(secret)) {
    throw new AutoshieldError('UNTRUSTED', `${where} is not ours: it has no label ${LABELS.managedBy}=${MANAGED_BY}; add it if AutoShield is to use this authority, or remove the Secret to have one made.`)
  }
  const { key, certificates: [signer, ...others] } = readMaterial(textOf(secret, FILES.authority), `${where}, key ${FILES.authority},`)
  if (!isAuthorityOf(signer, trustDomain)) {
    throw new AutoshieldError('BAD_DATA', `${where} holds no authority that AutoShield made for ${trustDomain} (${signer.subject.replaceAll('\n', ', ')}); set the trust domain back, or remove the Secret to have a new authority made.`)
  }
  const said = readParts(secret, where)
  if (said !== null && said.signer !== recordOf(signer).id) throw damaged(where, `the annotation ${ROOTS} names another signer than ${FILES.authority}`)
  const certificates = new Map([signer, ...others].map((certificate) => [recordOf(certificate).id, certificate]))
  const keys = new Map([[recordOf(signer).id, key]])
  const next = said?.next ?? null
  if (next !== null) {
    const material = readMaterial(textOf(secret, FILES.next), `${where}, key ${FILES.next},`)
    const [certificate] = material.certificates
    if (recordOf(certificate).id !== next.id || !certificates.has(next.id)) throw damaged(where, `${FILES.next} is not the next root that the annotation names`)
    keys.set(next.id, material.key)
  }
  const retiredAt = new Map(said?.retired.map(({ id, retiredAt }) => [id, timeOf(retiredAt, where)]))
  return {
    certificates,
    keys,
    roots: {
      signer: recordOf(signer),
      next: next === null ? null : { ...recordOf(found(certificates, next.id)), trustedSinceMs: timeOf(next.trustedSince, where) },
      retired: others.map(recordOf).filter(({ id }) => id !== next?.id).map((root) => ({ ...root, retiredAtMs: retiredAt.get(root.id) ?? root.notAfterMs })),
    },
  }
}

/** Null where the annotation is missing: somebody brought an authority of their own. */
function readParts (secret: KubernetesObject, where: string): Parts | null {
  const text = secret.metadata.annotations?.[ROOTS]
  if (text === undefined) return null
  try {
    const value: unknown = JSON.parse(text)
    if (parts.Check(value)) return value
  } catch {
    // no JSON: said below
  }
  throw damaged(where, `the annotation ${ROOTS} cannot be understood`)
}

function timeOf (text: string, where: string): number {
  const ms = Date.parse(text)
  if (Number.isNaN(ms)) throw damaged(where, `'${text}' in the annotation ${ROOTS} is no time`)
  return ms
}

const damaged = (where: string, what: string): AutoshieldError =>
  new AutoshieldError('BAD_DATA', `${where} is damaged: ${what}; put back a good copy, or remove it to have a new authority made.`)

function found<T> (map: ReadonlyMap<string, T>, id: string): T {
  const value = map.get(id)
  if (value === undefined) throw new AutoshieldError('INTERNAL', `root ${id} is named but not held`)
  return value
}
