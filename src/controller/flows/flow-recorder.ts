import { AutoshieldError } from '../../core/errors.ts'
import { flowPodOf, type FlowEnd, type FlowRecord } from '../../core/history/flow-record.ts'
import { observedFlows } from '../../core/history/observed-flows.ts'
import { MINUTE_MS, type FlowSighting } from '../../core/history/sighting.ts'
import { parseSpiffeId } from '../../core/identity.ts'
import type { ObservedFlow } from '../../core/plan/check-plan.ts'
import type { Labels } from '../../core/kubernetes/label-selector.ts'
import type { Pod } from '../../core/pod.ts'
import type { Clock } from '../../ports/clock.ts'
import type { NamespaceDirectory, PodDirectory, ServiceDirectory } from '../../ports/directories.ts'
import type { FlowAccount, FlowHistory, FlowLog, FlowQuery, FlowsKept } from '../../ports/flows.ts'
import type { Reporters } from '../../ports/scores.ts'
import type { Log } from '../log.ts'

export interface FlowRecorderParts {
  readonly flows: FlowLog
  readonly pods: PodDirectory
  /** Absent where nobody knows namespaces. */
  readonly namespaces?: Pick<NamespaceDirectory, 'byName'> | undefined
  /** Absent where there are none. */
  readonly services?: ServiceDirectory | undefined
  /** Who knows which observers report; absent where each that a pod has counts as if it did. */
  readonly reporters?: Reporters | undefined
  readonly clock: Clock
  readonly log: Log
}

/** Writes down what observers saw, with who had which address then; and tells what was seen to those who plan. */
export class FlowRecorder implements FlowHistory, Pick<FlowLog, 'records' | 'kept' | 'watched'> {
  readonly #parts: FlowRecorderParts
  /** Of a pod as it is: a change is another object. */
  readonly #ends = new WeakMap<Pod, PodEnds>()
  #settling: Promise<void> | null = null

  constructor (parts: FlowRecorderParts) {
    this.#parts = parts
  }

  /** Never rejects: what cannot be kept is missing in the history alone, and the loop goes on. */
  async take (sightings: readonly FlowSighting[]): Promise<void> {
    try {
      await this.#parts.flows.record(this.#place(sightings))
    } catch (error) {
      this.#parts.log.warn({ error: AutoshieldError.from(error).message, flows: sightings.length }, 'flows could not be recorded')
    }
  }

  /** To be called about once a minute. Does not wait, and never throws. */
  beat (): void {
    this.#settling ??= this.#settle()
      .catch((error: unknown) => this.#parts.log.warn({ error: AutoshieldError.from(error).message }, 'recorded flows could not be merged'))
      .finally(() => { this.#settling = null })
  }

  /** Waits for what `beat` has begun. */
  async rest (): Promise<void> {
    await this.#settling
  }

  seen (sinceMs: number, pods?: readonly string[]): readonly ObservedFlow[] {
    return observedFlows(this.#parts.flows.records({ sinceMs, ...(pods !== undefined && { pods }) }), this.#parts.pods)
  }

  records (query: FlowQuery): readonly FlowRecord[] {
    return this.#parts.flows.records(query)
  }

  kept (): FlowsKept {
    return this.#parts.flows.kept()
  }

  watched (query: Parameters<FlowLog['watched']>[0]): ReturnType<FlowLog['watched']> {
    return this.#parts.flows.watched(query)
  }

  async #settle (): Promise<void> {
    const { flows, pods, clock } = this.#parts
    const reporting = await this.#reporting()
    await flows.watch(Math.floor(clock.now() / MINUTE_MS), pods.list().map(({ uid, namespace, observed = false }) => ({ uid, namespace, observed: reporting === null ? observed : reporting.has(uid) })))
    await flows.settle()
  }

  /** UIDs; null where nobody says it. Of a detector that is away coverage warns. */
  async #reporting (): Promise<ReadonlySet<string> | null> {
    try {
      const identities = await this.#parts.reporters?.reporters()
      return identities === undefined ? null : new Set([...identities].flatMap((identity) => parseSpiffeId(identity)?.uid ?? []))
    } catch {
      return new Set() // a detector that is away takes nothing in
    }
  }

  #place (sightings: readonly FlowSighting[]): FlowAccount[] {
    const ends = new Map<string, FlowEnd>()
    const endAt = (address: string): FlowEnd => {
      const known = ends.get(address)
      if (known !== undefined) return known
      const pod = this.#parts.pods.byAddress(address)
      const end = pod === null ? { address, pod: null, service: this.#parts.services?.byAddress(address) ?? null } : this.#podEnd(address, pod)
      ends.set(address, end)
      return end
    }
    // The observer's certificate says whose address its own is, even where that address has been handed on meanwhile.
    const ownEnd = (address: string, uid: string): FlowEnd => {
      const id = `${address} ${uid}`
      const known = ends.get(id)
      if (known !== undefined) return known
      const pod = this.#parts.pods.byUid(uid)
      const end = pod === null ? endAt(address) : this.#podEnd(address, pod)
      ends.set(id, end)
      return end
    }
    return sightings.map(({ minute, source, destination, witness, pod, use: { protocol, port, ...counts } }) => ({
      minute,
      protocol,
      port,
      witness,
      ...counts,
      source: witness === 'source' ? ownEnd(source, pod) : endAt(source),
      destination: witness === 'destination' ? ownEnd(destination, pod) : endAt(destination),
    }))
  }

  #podEnd (address: string, pod: Pod): FlowEnd {
    const labels = this.#parts.namespaces?.byName(pod.namespace)?.labels ?? null
    let kept = this.#ends.get(pod)
    if (kept === undefined || kept.namespaceLabels !== labels) this.#ends.set(pod, kept = { namespaceLabels: labels, byAddress: new Map() })
    let end = kept.byAddress.get(address)
    if (end === undefined) kept.byAddress.set(address, end = { address, pod: flowPodOf(pod, labels), service: null })
    return end
  }
}

interface PodEnds { readonly namespaceLabels: Labels | null, readonly byAddress: Map<string, FlowEnd> }
