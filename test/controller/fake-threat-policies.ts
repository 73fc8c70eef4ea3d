import type { ThreatPolicy, ThreatPolicyStatus } from '../../src/core/policy/threat-policy.ts'
import type { ThreatPolicies } from '../../src/ports/threat-policies.ts'

/** Threat policies that the test writes, and whose status it reads. */
export class FakeThreatPolicies implements ThreatPolicies {
  readonly #policies = new Map<string, ThreatPolicy>()
  readonly #listeners = new Set<() => void>()
  /** Thrown by the next writes of a status. */
  fault: Error | null = null

  /** Makes it, or changes what it asks for. */
  apply (name: string, spec: unknown, uid = `uid-${name}`): void {
    const before = this.#policies.get(name)
    const same = before?.metadata.uid === uid ? before : undefined
    const generation = (same?.metadata.generation ?? 0) + 1
    this.#policies.set(name, { metadata: { name, uid, generation, creationTimestamp: same?.metadata.creationTimestamp ?? new Date(Date.UTC(2026, 0, 1) + this.#policies.size * 1_000).toISOString() }, spec, status: same?.status ?? null })
    this.#changed()
  }

  remove (name: string): void {
    this.#policies.delete(name)
    this.#changed()
  }

  status (name: string): ThreatPolicyStatus | null {
    return this.#policies.get(name)?.status ?? null
  }

  list (): readonly ThreatPolicy[] {
    return [...this.#policies.values()].toSorted((left, right) => left.metadata.name < right.metadata.name ? -1 : 1)
  }

  async tell (name: string, status: ThreatPolicyStatus): Promise<void> {
    if (this.fault !== null) throw this.fault
    const policy = this.#policies.get(name)
    if (policy !== undefined) this.#policies.set(name, { ...policy, status })
  }

  onChange (listener: () => void): Disposable {
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => { this.#listeners.delete(listener) } }
  }

  #changed (): void {
    for (const listener of this.#listeners) listener()
  }
}
