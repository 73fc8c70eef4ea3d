import { isDeepStrictEqual } from 'node:util'
import type { ProxyStatus } from '../../ports/proxies.ts'

type ByUid = ReadonlyMap<string, ProxyStatus>

/**
 * What several servers of proxies say, as one. Each names every proxy of the cluster, and knows what those have that are
 * connected to it. Of what they say of one proxy that counts where it is connected, and then the newest.
 *
 *     servers that are heard | one that is not heard any more
 *     some                   | says nothing: the others name the same proxies, and take over those that it had
 *     none                   | its last words count, but nothing is connected
 */
export class ProxyUnion {
  /** By server; of those that are heard. */
  readonly #live = new Map<string, Map<string, ProxyStatus>>()
  /** Of those that fell silent while no other was heard. */
  readonly #silent = new Map<string, ByUid>()
  readonly #union = new Map<string, ProxyStatus>()
  #heard = false

  /** Whether any server was ever heard. */
  get heard (): boolean {
    return this.#heard
  }

  statuses (): readonly ProxyStatus[] {
    return [...this.#union.values()]
  }

  /** A server that is heard and knows of this proxy: best the one where it is connected. Null where there is none. */
  serverOf (podUid: string): string | null {
    const knowing = [...this.#live].filter(([, statuses]) => statuses.has(podUid))
    return (knowing.find(([, statuses]) => statuses.get(podUid)?.connected) ?? knowing[0] ?? [...this.#live][0])?.[0] ?? null
  }

  /** Everything that a server says, from now on. Gives what is different for it, as the others do. */
  sync (server: string, statuses: ByUid): readonly ProxyStatus[] {
    this.#heard = true
    const affected = [...this.#union.keys(), ...statuses.keys()]
    this.#live.set(server, new Map(statuses))
    this.#silent.clear()
    return this.#look(affected)
  }

  /** What a server that has said everything says anew; `gone` are proxies that it does not name any more. */
  change (server: string, statuses: readonly ProxyStatus[], gone: readonly string[]): readonly ProxyStatus[] {
    const said = this.#live.get(server)
    if (said === undefined) return []
    for (const uid of gone) said.delete(uid)
    for (const status of statuses) said.set(status.podUid, status)
    return this.#look([...gone, ...statuses.map(({ podUid }) => podUid)])
  }

  /** A server is not heard any more. */
  away (server: string): readonly ProxyStatus[] {
    const said = this.#live.get(server)
    if (said === undefined) return []
    this.#live.delete(server)
    if (this.#live.size === 0) this.#silent.set(server, said)
    return this.#look(said.keys())
  }

  #look (uids: Iterable<string>): readonly ProxyStatus[] {
    return [...new Set(uids)].flatMap((uid) => {
      const [before, after] = [this.#union.get(uid), this.#chosen(uid)]
      if (after === null) this.#union.delete(uid)
      if (after === null || isDeepStrictEqual(before, after)) return []
      this.#union.set(uid, after)
      return [after]
    })
  }

  #chosen (uid: string): ProxyStatus | null {
    if (this.#live.size > 0) return best([...this.#live.values()], uid)
    const last = best([...this.#silent.values()], uid)
    return last === null ? null : { ...last, connected: false }
  }
}

function best (sets: readonly ByUid[], uid: string): ProxyStatus | null {
  return sets.reduce<ProxyStatus | null>((best, statuses) => {
    const status = statuses.get(uid)
    if (status === undefined) return best
    if (best === null || (status.connected && !best.connected)) return status
    return status.connected === best.connected && Date.parse(status.since) > Date.parse(best.since) ? status : best
  }, null)
}
