import { request } from 'node:http'
import type { Machine } from '../real/cluster/enforcing.ts'
import { Sandbox } from '../real/cluster/sandbox.ts'

const OK = 200

/** The addresses that Cilium's agent on a node has for pods, by its own interface, so that a test says which the next pod gets. */
export class AddressPool {
  readonly #node: Machine
  readonly #prefix: string
  #taken: readonly string[] = []

  /** `address`: of a pod on the node; pods have the other addresses of its /24. */
  constructor (node: Machine, address: string) {
    this.#node = node
    this.#prefix = address.slice(0, address.lastIndexOf('.') + 1)
  }

  /** Takes all that no pod has. */
  async exhaust (): Promise<void> {
    const all = Array.from({ length: 254 }, (_, at) => `${this.#prefix}${at + 1}`)
    for (let more: readonly string[] | null = null; more === null || more.length > 0;) {
      more = (await Promise.all(all.map(async (address) => await this.#ask('POST', address) === OK ? [address] : []))).flat()
      this.#taken = [...this.#taken, ...more]
    }
  }

  /** Gives back what `exhaust` took. */
  async release (): Promise<void> {
    await Promise.all(this.#taken.map(async (address) => this.#ask('DELETE', address)))
    this.#taken = []
  }

  /** Resolves to the status of the answer. */
  async #ask (method: 'POST' | 'DELETE', address: string): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    request({ socketPath: Sandbox.of(this.#node.keeper, '').path('/run/cilium/cilium.sock'), path: `/v1/ipam/${address}?owner=test&pool=default`, method }, (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode ?? 0))
    }).on('error', reject).end()
    return promise
  }
}
