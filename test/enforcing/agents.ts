import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { isSeen } from '../../src/core/plan/reach/unseen-labels.ts'
import type { Pod } from '../../src/core/pod.ts'
import type { Machine } from '../real/cluster/enforcing.ts'
import { Sandbox } from '../real/cluster/sandbox.ts'

const POLL_MS = 20
const IN_FORCE_WITHIN_MS = 60_000

/** An agent's `GET /v1/policy`; `policy` is a list of rules as JSON in JSON. */
interface PolicyAnswer { readonly revision: number, readonly policy: string }
interface Rule { readonly Labels: readonly { readonly key: string, readonly value: string }[] | null }
/** What is read of one of `GET /v1/endpoint`. */
interface Endpoint {
  readonly status: {
    readonly state: string
    readonly identity?: { readonly id: number, readonly labels: readonly string[] }
    readonly networking: { readonly addressing: readonly { readonly ipv4?: string }[] }
    readonly policy?: { readonly realized: { readonly 'policy-revision'?: number } }
  }
}
/** What is read of one of `GET /v1/ip`. */
interface KnownAddress { readonly cidr: string, readonly identity: number }

/** Cilium's agents, asked by the socket of each. */
export class Agents {
  readonly #nodes: readonly Machine[]

  constructor (nodes: readonly Machine[]) { this.#nodes = nodes }

  /**
   * Resolves when every agent has exactly the policies of these UIDs, has compiled them for each of its endpoints, and knows every pod
   * by the labels that it has.
   */
  async inForce (policies: ReadonlySet<string>, pods: readonly Pod[]): Promise<void> {
    const deadline = Date.now() + IN_FORCE_WITHIN_MS
    let missing: string | null = null
    do {
      missing = await this.#missing(policies, pods)
      if (missing === null) return
      await delay(POLL_MS)
    } while (Date.now() < deadline)
    throw new Error(`policies are not in force after ${IN_FORCE_WITHIN_MS / 1000} s: ${missing}`)
  }

  async #missing (policies: ReadonlySet<string>, pods: readonly Pod[]): Promise<string | null> {
    const own = pods.filter(({ hostNetwork }) => hostNetwork !== true)
    const identities = new Map<string, number>()
    for (const node of this.#nodes) {
      const { revision, policy } = await ask<PolicyAnswer>(node, '/v1/policy')
      const known = new Set((JSON.parse(policy) as Rule[]).flatMap(({ Labels }) => Labels?.filter(({ key }) => key === 'io.cilium.k8s.policy.uid').map(({ value }) => value) ?? []))
      if (known.symmetricDifference(policies).size > 0) return `${node.name} has other policies`
      for (const { status } of await ask<Endpoint[]>(node, '/v1/endpoint')) {
        const [{ ipv4 = '' } = {}] = status.networking.addressing
        const pod = own.find(({ addresses }) => addresses.includes(ipv4))
        if (pod === undefined) continue
        if ((status.policy?.realized['policy-revision'] ?? 0) < revision || status.state !== 'ready') return `${pod.name} is at an older revision`
        const labels = status.identity?.labels.flatMap((label) => /^k8s:(?!io\.)(.*)$/.exec(label)?.[1] ?? []) ?? []
        if (labels.sort().join() !== Object.entries(pod.labels).filter(([key]) => isSeen(key)).map(([key, value]) => value === '' ? key : `${key}=${value}`).sort().join()) return `${pod.name} is known as ${labels.join()}`
        identities.set(ipv4, status.identity?.id ?? 0)
      }
    }
    if (identities.size < own.length) return `of ${own.length} pods ${identities.size} are known`
    for (const node of this.#nodes) {
      const known = new Map((await ask<KnownAddress[]>(node, '/v1/ip')).map(({ cidr, identity }) => [cidr, identity]))
      for (const [address, identity] of identities) if (known.get(`${address}/32`) !== identity) return `${node.name} takes ${address} for another`
    }
    return null
  }
}

async function ask<T> ({ keeper, name }: Machine, path: string): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  request({ socketPath: Sandbox.of(keeper, '').path('/run/cilium/cilium.sock'), path }, (response) => {
    text(response).then((body) => {
      if (response.statusCode === 200) resolve(JSON.parse(body) as T)
      else reject(new Error(`Cilium's agent on ${name} answered ${String(response.statusCode)} to ${path}: ${body}`))
    }, reject)
  }).on('error', reject).end()
  return promise
}
