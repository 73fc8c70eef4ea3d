import { createHash, createPublicKey, X509Certificate, type KeyObject } from 'node:crypto'
import { AutoshieldError } from '../src/core/errors.ts'
import { parseSpiffeId, spiffeId, type Identity } from '../src/core/identity.ts'
import type { Clock } from '../src/ports/clock.ts'
import type { KubernetesApi } from '../src/ports/kubernetes.ts'
import { LEAF_LIFE_MS } from './authority.ts'
import type { IssueRefusalReason } from './issue-refusal.ts'
import { forgetOldest, RateTable, type RateLimit } from './rate-table.ts'
import type { SecretAuthority } from './secret-authority.ts'
import { checkPod, reviewToken, type TokenHolder } from './token-holder.ts'

export interface IssueRequest {
  readonly token: string | null
  /** PEM; null where the body names none. */
  readonly publicKey: string | null
  /** Address of the caller. */
  readonly peer: string
}

export interface Issued {
  readonly certificate: string
  readonly authorities: string
}

export interface IssueRefused {
  readonly refused: IssueRefusalReason
}

/** What was decided on one request, for the audit trail. */
export interface IssueRecord {
  readonly reason: IssueRefusalReason | 'Issued'
  readonly peer: string
  /** Null where the token was not accepted. */
  readonly holder: TokenHolder | null
  /** SPIFFE ID that was issued. */
  readonly identity: string | null
  /** SHA-256 of the public key's DER, hexadecimal. */
  readonly key: string | null
  readonly serialNumber: string | null
  readonly notAfter: string | null
  readonly detail: string
  /** Requests that this record stands for: more than 1 only where requests were shed. */
  readonly count: number
}

export interface IssuerOptions {
  readonly api: KubernetesApi
  readonly authority: Pick<SecretAuthority, 'current'>
  readonly trustDomain: string
  /** AutoShield's own: its service accounts get the identities of their parts, and nobody else there gets any. */
  readonly namespace: string
  /** Part by service account. */
  readonly roles?: Readonly<Record<string, string>>
  readonly clock: Clock
  readonly limits?: Partial<IssuerLimits>
  /** Told of each decision; must not throw. */
  readonly onDecision?: (record: IssueRecord) => void
}

export interface IssuerLimits {
  /** Requests under way at once; each costs the API server a review and a read. */
  readonly maxConcurrent: number
  readonly perPod: RateLimit
  /** By address, before anything is asked of the API server. */
  readonly perPeer: RateLimit
  /** Pods, peers and keys that are remembered. */
  readonly maxRemembered: number
}

export const ROLES: Readonly<Record<string, string>> = { 'autoshield-controller': 'controller', 'autoshield-detector': 'detector', 'autoshield-webhook': 'webhook', 'autoshield-xds': 'xds' }
const LIMITS: IssuerLimits = { maxConcurrent: 64, perPod: { perSecond: 1 / 60, seconds: 300 }, perPeer: { perSecond: 20, seconds: 10 }, maxRemembered: 131_072 }
/** Records of shed requests are told at most so often, or a flood would fill the audit trail. */
const SHED_EVERY_MS = 60_000

type Facts = Partial<Omit<IssueRecord, 'reason' | 'peer' | 'count'>>
interface Decision {
  readonly answer: Issued | IssueRefused
  readonly facts: Facts
}
const refuse = (refused: IssueRefusalReason, facts: Facts = {}): Decision => ({ answer: { refused }, facts })

/** Certifies the keys of pods that prove themselves with their service account token. */
export class CertificateIssuer {
  readonly #options: IssuerOptions
  readonly #limits: IssuerLimits
  readonly #pods: RateTable
  readonly #peers: RateTable
  /** When a key was certified. */
  readonly #keys = new Map<string, number>()
  readonly #counts = new Map<IssueRecord['reason'], number>()
  readonly #shed = new Map<IssueRecord['reason'], { count: number, toldMs: number }>()
  #underWay = 0

  constructor (options: IssuerOptions) {
    this.#options = options
    this.#limits = { ...LIMITS, ...options.limits }
    this.#pods = new RateTable(this.#limits.perPod, this.#limits.maxRemembered)
    this.#peers = new RateTable(this.#limits.perPeer, this.#limits.maxRemembered)
  }

  /** How often each reason was given since the start. */
  counts (): ReadonlyMap<IssueRecord['reason'], number> {
    return this.#counts
  }

  /** Never throws for what a caller sends or for parts that are away. */
  async issue (request: IssueRequest): Promise<Issued | IssueRefused> {
    const { peer } = request
    if (!this.#peers.take(peer, this.#options.clock.now())) return this.#shedOne('TooOften', peer)
    if (this.#underWay >= this.#limits.maxConcurrent) return this.#shedOne('Overloaded', peer)
    this.#underWay++
    try {
      const { answer, facts } = await this.#decide(request)
      this.#tell('refused' in answer ? answer.refused : 'Issued', peer, 1, facts)
      return answer
    } finally {
      this.#underWay--
    }
  }

  async #decide ({ token, publicKey }: IssueRequest): Promise<Decision> {
    if (token === null) return refuse('NoToken')
    if (publicKey === null) return refuse('BadRequest')
    const key = readPublicKey(publicKey)
    if (key === null) return refuse('BadKey')
    const facts = { key: createHash('sha256').update(key.export({ type: 'spki', format: 'der' })).digest('hex') }
    try {
      return await this.#certify(token, key, facts)
    } catch (error) {
      return refuse('Unavailable', { ...facts, detail: AutoshieldError.from(error).message })
    }
  }

  async #certify (token: string, key: KeyObject, keyFacts: { readonly key: string }): Promise<Decision> {
    const { api, clock, authority } = this.#options
    const holder = await reviewToken(api, token, clock.now())
    if ('refused' in holder) return refuse(holder.refused, { ...keyFacts, detail: holder.detail })
    const facts = { ...keyFacts, holder }
    if (!this.#pods.take(holder.pod.uid, clock.now())) return refuse('TooOften', facts)
    const pod = await checkPod(api, holder)
    if (pod !== null) return refuse(pod.refused, { ...facts, detail: pod.detail })
    const identity = this.#identityOf(holder)
    if (identity === null) return refuse('OtherServiceAccount', facts)
    const signer = authority.current()
    if (!this.#isNewKey(keyFacts.key)) return refuse('KeyReused', facts)
    const certificate = signer.issue({ identity }, key, clock.now())
    const { serialNumber, validToDate } = new X509Certificate(certificate)
    return { answer: { certificate, authorities: signer.bundle }, facts: { ...facts, identity: spiffeId(identity), serialNumber, notAfter: validToDate.toISOString() } }
  }

  /** Null for a service account of our own namespace that has no part. */
  #identityOf ({ namespace, serviceAccount, pod }: TokenHolder): Identity | null {
    const { trustDomain, namespace: own, roles = ROLES } = this.#options
    const role = Object.hasOwn(roles, serviceAccount) ? roles[serviceAccount] : undefined
    const uid = namespace === own ? role : pod.uid
    if (uid === undefined) return null
    const identity = { trustDomain, namespace, uid }
    return parseSpiffeId(spiffeId(identity)) === null ? null : identity
  }

  /** Remembers the key for as long as its certificate lives. */
  #isNewKey (key: string): boolean {
    const nowMs = this.#options.clock.now()
    for (const [old, atMs] of this.#keys) {
      if (nowMs - atMs < LEAF_LIFE_MS) break
      this.#keys.delete(old)
    }
    if (this.#keys.has(key)) return false
    this.#keys.set(key, nowMs)
    forgetOldest(this.#keys, this.#limits.maxRemembered)
    return true
  }

  #shedOne (refused: 'TooOften' | 'Overloaded', peer: string): IssueRefused {
    const nowMs = this.#options.clock.now()
    const since = this.#shed.get(refused) ?? { count: 0, toldMs: -Infinity }
    const count = since.count + 1
    const due = nowMs - since.toldMs >= SHED_EVERY_MS
    this.#shed.set(refused, due ? { count: 0, toldMs: nowMs } : { count, toldMs: since.toldMs })
    if (due) this.#tell(refused, peer, count, {})
    else this.#count(refused)
    return { refused }
  }

  #tell (reason: IssueRecord['reason'], peer: string, count: number, facts: Facts): void {
    this.#count(reason)
    this.#options.onDecision?.({ reason, peer, count, holder: null, identity: null, key: null, serialNumber: null, notAfter: null, detail: '', ...facts })
  }

  #count (reason: IssueRecord['reason']): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1)
  }
}

/** Node would also take a private key or a certificate here, and make a public key of it. */
const SPKI = /^-----BEGIN PUBLIC KEY-----\r?\n[A-Za-z0-9+/=\r\n]{1,400}-----END PUBLIC KEY-----\s*$/

/** Null where the text is anything but a P-256 key. */
function readPublicKey (pem: string): KeyObject | null {
  if (!SPKI.test(pem)) return null
  try {
    const key = createPublicKey(pem)
    return key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? key : null
  } catch {
    return null // no key
  }
}
