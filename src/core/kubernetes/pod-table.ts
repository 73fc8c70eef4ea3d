import type { Pod } from '../pod.ts'

/** What one running pod says of itself; `addresses` in canonical text, none where it shares its node's. */
export interface PodClaim extends Pod {
  /** It is being deleted: its address may belong to a successor already. */
  readonly leaving: boolean
}

interface Entry {
  readonly claim: PodClaim
  /** That it came with; null where it had none, or another later. */
  readonly mark: string | null
  /** With the addresses that it owns, and its mark where that is its own. */
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
 *
 * A mark is a pod's own while no other bears it, and it bears the one that it came with: whoever may write labels may copy another
 * pod's, and a policy by that would cut both.
 */
export class PodTable {
  readonly #byUid = new Map<string, Entry>()
  readonly #claims = new Map<string, Set<Entry>>()
  readonly #marked = new Map<string, Set<Entry>>()
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
    const before = this.#byUid.get(claim.uid)
    if (JSON.stringify(before?.claim) === JSON.stringify(claim)) return
    this.remove(claim.uid)
    const mark = claim.mark ?? null
    const entry: Entry = { claim, mark: before === undefined || before.mark === mark ? mark : null, pod: claim }
    this.#byUid.set(claim.uid, entry)
    for (const address of claim.addresses) addTo(this.#claims, address, entry)
    if (mark !== null) addTo(this.#marked, mark, entry)
    this.#settle(entry)
  }

  remove (uid: string): void {
    const entry = this.#byUid.get(uid)
    if (entry === undefined) return
    this.#byUid.delete(uid)
    for (const address of entry.claim.addresses) dropFrom(this.#claims, address, entry)
    if (entry.claim.mark !== undefined) dropFrom(this.#marked, entry.claim.mark, entry)
    this.#settle(entry)
  }

  #ownerOf (address: string): Entry | null {
    const claims = [...this.#claims.get(address) ?? []]
    if (claims.length === 1) return claims[0] ?? null
    const staying = claims.filter(({ claim }) => !claim.leaving)
    return staying.length === 1 ? staying[0] ?? null : null
  }

  /** Gives what is theirs now to a pod that came or went, and to everybody who claims what it claims. */
  #settle ({ claim: { uid, addresses, mark = '' } }: Entry): void {
    this.#list = null
    const own = this.#byUid.get(uid)
    for (const entry of new Set([...own === undefined ? [] : [own], ...addresses.flatMap((address) => [...this.#claims.get(address) ?? []]), ...this.#marked.get(mark) ?? []])) {
      entry.pod = this.#podOf(entry)
    }
  }

  #podOf ({ claim: { leaving: _, mark: _mark, ...pod }, mark }: Entry): Pod {
    const addresses = pod.addresses.filter((address) => this.#ownerOf(address)?.claim.uid === pod.uid)
    return { ...pod, addresses, ...(mark !== null && this.#marked.get(mark)?.size === 1 && { mark }) }
  }
}

function addTo (index: Map<string, Set<Entry>>, key: string, entry: Entry): void {
  const entries = index.get(key)
  if (entries === undefined) index.set(key, new Set([entry]))
  else entries.add(entry)
}

function dropFrom (index: Map<string, Set<Entry>>, key: string, entry: Entry): void {
  const entries = index.get(key)
  entries?.delete(entry)
  if (entries?.size === 0) index.delete(key)
}
