import { isDeepStrictEqual } from 'node:util'
import { AutoshieldError } from '../../core/errors.ts'
import { firstStatus } from '../../core/rollout/advance.ts'
import { MAX_MESH_POLICIES, type MeshPolicy, type MeshPolicySpec, type MeshPolicyStatus } from '../../core/rollout/mesh-policy.ts'
import { Turns } from '../../core/turns.ts'
import type { EditableMeshPolicies } from '../../ports/mesh-policies.ts'
import type { Collection } from '../../ports/object-store.ts'

type PolicyCollection = Collection<MeshPolicy> & { readonly delete: (name: string) => Promise<void> }

/** Mesh policies of a standalone loop, in a collection of whole objects. */
export class StoredMeshPolicies implements EditableMeshPolicies {
  readonly #objects: PolicyCollection
  /** What is in the collection, which nobody else writes: it is looked at for each detection. null before the first look. */
  #known: Map<string, MeshPolicy> | null = null
  /** A write changes one part of what is there, so each waits for the one before. */
  readonly #turns = new Turns()

  constructor (objects: PolicyCollection) {
    this.#objects = objects
  }

  get (name: string): MeshPolicy | null {
    return this.#all().get(name) ?? null
  }

  list (): readonly MeshPolicy[] {
    return [...this.#all().values()].toSorted((left, right) => left.metadata.name < right.metadata.name ? -1 : 1)
  }

  async ask (name: string, spec: MeshPolicySpec, at: string): Promise<MeshPolicy> {
    return this.#inTurn(async () => {
      const known = this.get(name)
      if (known === null && this.list().length >= MAX_MESH_POLICIES) {
        throw new AutoshieldError('CONFLICT', `There are ${MAX_MESH_POLICIES} mesh policies already: put the restrictions of "${name}" into one of them.`)
      }
      if (known === null) return this.#put(fresh(name, spec, at))
      if (isDeepStrictEqual(known.spec, spec)) return known
      return this.#put({ ...known, metadata: { ...known.metadata, generation: known.metadata.generation + 1 }, spec })
    })
  }

  async tell (name: string, status: MeshPolicyStatus): Promise<MeshPolicy> {
    return this.#inTurn(async () => {
      const known = this.get(name)
      if (known === null) throw new AutoshieldError('NOT_FOUND', `There is no mesh policy "${name}" any more.`)
      return this.#put({ ...known, status })
    })
  }

  async remove (name: string): Promise<void> {
    await this.#inTurn(async () => {
      await this.#objects.delete(name)
      this.#all().delete(name)
    })
  }

  async restore (policy: MeshPolicy): Promise<void> {
    await this.#inTurn(async () => this.#put(policy))
  }

  #all (): Map<string, MeshPolicy> {
    this.#known ??= new Map(this.#objects.list().map((policy) => [policy.metadata.name, policy]))
    return this.#known
  }

  async #put (policy: MeshPolicy): Promise<MeshPolicy> {
    await this.#objects.put(policy.metadata.name, policy)
    this.#all().set(policy.metadata.name, policy)
    return policy
  }

  async #inTurn<T> (write: () => Promise<T>): Promise<T> {
    return this.#turns.take('', write)
  }
}

const fresh = (name: string, spec: MeshPolicySpec, at: string): MeshPolicy => ({
  apiVersion: 'autoshield.dev/v1alpha1',
  kind: 'MeshPolicy',
  metadata: { name, uid: `meshpolicy-${name}`, generation: 1, creationTimestamp: at },
  spec,
  status: firstStatus(spec, at),
})
