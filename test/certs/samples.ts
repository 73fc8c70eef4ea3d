import type { X509Certificate } from 'node:crypto'
import { Authority, createAuthority, type AuthorityMaterial } from '../../certs/authority.ts'
import type { Credentials, Identity } from '../../src/core/identity.ts'

export const TRUST_DOMAIN = 'autoshield.test'
export const HOUR_MS = 60 * 60 * 1000
export const DAY_MS = 24 * HOUR_MS

export const identityOf = (uid: string, namespace = 'autoshield'): Identity => ({ trustDomain: TRUST_DOMAIN, namespace, uid })

/** A CA in memory that others can follow. */
export class Root {
  readonly material: AuthorityMaterial
  readonly authority: Authority

  constructor (nowMs = Date.now(), older: readonly X509Certificate[] = []) {
    this.material = createAuthority(TRUST_DOMAIN, nowMs, older)
    this.authority = new Authority(this.material)
  }

  get certificate (): X509Certificate {
    return this.material.certificates[0]
  }

  issue (uid: string, names: { dns?: readonly string[], ip?: readonly string[], nowMs?: number } = {}): Credentials {
    const { nowMs = Date.now(), ...rest } = names
    return this.authority.issueWithKey({ identity: identityOf(uid), ...rest }, nowMs)
  }
}

/** A clock that a test turns. */
export class TestClock {
  nowMs: number

  constructor (nowMs = Date.now()) {
    this.nowMs = nowMs
  }

  now (): number {
    return this.nowMs
  }
}
