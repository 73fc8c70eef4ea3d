import { AutoshieldError } from '../../core/errors.ts'
import { readNodeFacts } from '../../core/kubernetes/node-facts.ts'
import type { KubernetesObject } from '../../core/kubernetes/object.ts'
import { RESOURCES } from '../../core/kubernetes/resource.ts'
import type { Mitigation } from '../../core/mitigation/mitigation.ts'
import { isTouched, quarantinedNode, withNodeAnswer, type NodeAnswer, type WantedEffects } from '../../core/mitigation/node-quarantine.ts'
import { labelValue } from '../../core/plan/names.ts'
import { needOfNode } from '../../core/safety/spare-node.ts'
import type { Clock } from '../../ports/clock.ts'
import type { KubernetesApi } from '../../ports/kubernetes.ts'
import type { Log } from '../log.ts'

export interface NodeQuarantineParts {
  readonly api: Pick<KubernetesApi, 'list' | 'replace'>
  /** Those in force. */
  readonly active: () => readonly Mitigation[]
  /** Keeps and tells what became of one. */
  readonly tell: (name: string, change: (mitigation: Mitigation) => Mitigation) => Promise<void>
  readonly clock: Clock
  readonly log: Log
}

/** Nodes are looked at this often while one is quarantined: somebody may have taken the taint off. */
const LOOK_AGAIN_MS = 10_000

/**
 * Makes quarantines of nodes true, and takes back what no mitigation wants any more, also what an earlier process left.
 * Level-based: it compares the nodes with the mitigations in force. A write that met another one is made again at the next look.
 */
export class NodeQuarantine {
  readonly #parts: NodeQuarantineParts
  #made = ''
  #lookAtMs = -Infinity

  constructor (parts: NodeQuarantineParts) {
    this.#parts = parts
  }

  /** Looks where anything may have changed. Never rejects. */
  async look (): Promise<void> {
    const { active, clock, log } = this.#parts
    const wanting = active().filter(({ spec, status }) => spec.node !== undefined && !status.simulated)
    const wanted = wanting.map(({ metadata: { name } }) => name).join()
    if (wanted === this.#made && clock.now() < this.#lookAtMs) return
    try {
      const settled = await this.#reconcile(wanting)
      this.#made = settled ? wanted : `${wanted}?`
      this.#lookAtMs = wanted === '' && settled ? Infinity : clock.now() + LOOK_AGAIN_MS
    } catch (thrown) {
      const { message } = AutoshieldError.from(thrown)
      log.warn({ error: message }, 'the quarantine of nodes cannot be compared with the cluster')
      for (const mitigation of wanting) await this.#tell(mitigation, { outcome: 'failed', message })
    }
  }

  /** Whether all nodes are as they should be. */
  async #reconcile (wanting: readonly Mitigation[]): Promise<boolean> {
    const nodes = await this.#parts.api.list(RESOURCES.nodes)
    let facts = nodes.map(readNodeFacts)
    let settled = true
    for (const node of nodes) {
      const of = wanting.filter(({ spec }) => spec.node?.name === node.metadata.name)
      const need = of.length === 0 ? null : needOfNode(node.metadata.name, facts)
      const answer = need === null ? await this.#write(node, effectsOf(of)) : await this.#refuse(node, need)
      settled &&= answer.outcome !== 'failed'
      if (of.length > 0 && answer.outcome === 'programmed') facts = facts.map((each) => each.name === node.metadata.name ? { ...each, quarantined: true, schedulable: false } : each)
      for (const mitigation of of) await this.#tell(mitigation, answer)
    }
    const known = new Set(nodes.map(({ metadata }) => metadata.name))
    for (const mitigation of wanting) if (!known.has(mitigation.spec.node?.name ?? '')) await this.#tell(mitigation, { outcome: 'needed', message: `There is no node ${mitigation.spec.node?.name ?? ''}.` })
    return settled
  }

  /** What was quarantined before the cluster came to need it is let go. */
  async #refuse (node: KubernetesObject, need: string): Promise<NodeAnswer> {
    const taken = await this.#write(node, new Map())
    return taken.outcome === 'failed' ? taken : { outcome: 'needed', message: `Not quarantined: ${need}.` }
  }

  async #write (node: KubernetesObject, wanted: WantedEffects): Promise<NodeAnswer> {
    const { resourceVersion = '', name } = node.metadata
    if (wanted.size === 0 && !isTouched(node)) return { outcome: 'programmed', version: resourceVersion }
    const after = quarantinedNode(node, wanted)
    if (after === null) return { outcome: 'programmed', version: resourceVersion }
    try {
      const written = await this.#parts.api.replace(RESOURCES.nodes, after)
      this.#parts.log.info({ node: name, effects: [...wanted.keys()] }, wanted.size === 0 ? 'a node is as it was before its quarantine' : 'a node is quarantined')
      return { outcome: 'programmed', version: written.metadata.resourceVersion ?? '' }
    } catch (thrown) {
      const { message } = AutoshieldError.from(thrown)
      this.#parts.log.warn({ node: name, error: message }, 'a node could not be changed; it is tried again')
      return { outcome: 'failed', message }
    }
  }

  async #tell ({ metadata: { name } }: Mitigation, answer: NodeAnswer): Promise<void> {
    await this.#parts.tell(name, (mitigation) => withNodeAnswer(mitigation, answer, this.#parts.clock.now()))
  }
}

/** The oldest mitigation names the taint. */
const effectsOf = (wanting: readonly Mitigation[]): WantedEffects =>
  new Map(wanting.toReversed().flatMap(({ spec: { node }, metadata: { name } }) => node === undefined ? [] : [[node.effect, labelValue(name)] as const]))
