import type { Pod } from '../pod.ts'

/** What one running pod says of itself; `addresses` in canonical text, none where it shares its node's. */
export interface PodClaim extends Pod {
  /** It is being deleted: its address may belong to a successor already. */
  readonly leaving: boolean
}

interface Entry {
  readonly claim: PodClaim
  /** With the addresses that it owns. */
  pod: Pod
}

/**
 * Who owns which address, brought up to date pod by pod. Each pod that is not there any more must be removed at once,
 * also one that finished: its address is given to others.
 *
 *     pods that claim an address | of them not leaving | owner
 *     1                          | any                 | that one
 *     more                       | 1                   | the one that stays
 *     more                       | 0 or more than 1    | nobody: it stands for several
 */
export class PodTable {
  readonly #byUid = new Map<string, Entry>()
  readonly #claims = new Map<string, Set<Entry>>()
  /** Made when it is asked for; a change of one pod costs no more than that pod. */
  #list: readonly Pod[] | null = null

  byAddress (address: string): Pod | null {
    return this.#ownerOf(address)?.pod ?? null
  }

  byUid (uid: string): Pod | null {
    return this.#byUid.get(uid)?.pod ?? null
  }

  /** Those that own an address. */
  list (): readonly Pod[] {
    this.#list ??= [...this.#byUid.values()].flatMap(({ pod }) => pod.addresses.length === 0 ? [] : [pod])
    return this.#list
  }

  /** Also those without an address of their own. */
  every (): readonly Pod[] {
    return [...this.#byUid.values()].map(({ pod }) => pod)
  }

  /** A claim that says what the one before said changes nothing, so `list` stays the same array. */
  put (claim: PodClaim): void {
    if (JSON.stringify(this.#byUid.get(claim.uid)?.claim) === JSON.stringify(claim)) return
    this.remove(claim.uid)
    const entry: Entry = { claim, pod: podOf(claim, []) }
    this.#byUid.set(claim.uid, entry)
    for (const address of claim.addresses) {
      const claims = this.#claims.get(address)
      if (claims === undefined) this.#claims.set(address, new Set([entry]))
      else claims.add(entry)
    }
    this.#settle(claim.addresses)
  }

  remove (uid: string): void {
    const entry = this.#byUid.get(uid)
    if (entry === undefined) return
    this.#byUid.delete(uid)
    for (const address of entry.claim.addresses) {
      const claims = this.#claims.get(address)
      claims?.delete(entry)
      if (claims?.size === 0) this.#claims.delete(address)
    }
    this.#settle(entry.claim.addresses)
  }

  #ownerOf (address: string): Entry | null {
    const claims = [...this.#claims.get(address) ?? []]
    if (claims.length === 1) return claims[0] ?? null
    const staying = claims.filter(({ claim }) => !claim.leaving)
    return staying.length === 1 ? staying[0] ?? null : null
  }

  /** Gives everybody who claims one of these addresses what is theirs now. */
  #settle (addresses: readonly string[]): void {
    this.#list = null
    for (const entry of new Set(addresses.flatMap((address) => [...this.#claims.get(address) ?? []]))) {
      entry.pod = podOf(entry.claim, entry.claim.addresses.filter((address) => this.#ownerOf(address) === entry))
    }
  }
}

const podOf = ({ leaving: _, ...pod }: PodClaim, addresses: readonly string[]): Pod => ({ ...pod, addresses })
