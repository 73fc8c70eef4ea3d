import type { Mitigation, MitigationSpec } from '../../src/core/mitigation/mitigation.ts'
import type { Random } from '../lab/random.ts'
import { mitigationOf } from '../xds/mitigation-of.ts'

/** What is new in one turn. */
export interface Turn {
  readonly gone: readonly string[]
  readonly come: readonly string[]
  readonly cut: readonly string[]
  /** The whole set that is in force. */
  readonly mitigations: readonly Mitigation[]
}

const MEASURES: readonly Partial<MitigationSpec>[] = [
  { action: 'deny' },
  { action: 'watch' },
  { action: 'deny', mode: 'shadow' },
  { action: 'limit', limit: { value: 5, unit: 'connections/s', burst: 5 } },
  { action: 'limit', limit: { value: 10, unit: 'connections', burst: 10 } },
  { action: 'limit', limit: { value: 65_536, unit: 'bytes/s', burst: 65_536 } },
]
const MOST_MITIGATIONS = 30
const MOST_VICTIMS = 20
/** Of the pods, how many are replaced in one turn, and how many streams break. */
const REPLACED = 0.03
const CUT = 0.1
const SOURCES = 200

/** Pods that come and go, restrictions that come, expire and are lifted, and streams that break: all drawn from a seed. */
export class Churn {
  readonly #random: Random
  readonly #lasting: readonly string[]
  #pods: string[]
  #mitigations: Mitigation[] = []
  #named = 0

  /** `lasting` are pods that are restricted like the others and never go. */
  constructor (random: Random, pods: readonly string[], lasting: readonly string[]) {
    this.#random = random
    this.#pods = [...pods]
    this.#lasting = lasting
  }

  get pods (): readonly string[] {
    return this.#pods
  }

  get mitigationsMade (): number {
    return this.#named
  }

  next (nowMs: number): Turn {
    const random = this.#random
    const gone = random.sample(this.#pods, Math.ceil(this.#pods.length * REPLACED))
    const come = gone.map(() => `pod-${++this.#named}-come`)
    this.#pods = [...this.#pods.filter((uid) => !gone.includes(uid)), ...come]
    const kept = random.sample(this.#mitigations, random.integer(0, MOST_MITIGATIONS / 2))
    const made = Array.from({ length: random.integer(1, MOST_MITIGATIONS / 2) }, () => this.#mitigation(nowMs))
    this.#mitigations = [...kept, ...made]
    return { gone, come, cut: random.sample(this.#pods.filter((uid) => !come.includes(uid)), Math.ceil(this.#pods.length * CUT)), mitigations: this.#mitigations }
  }

  /** The set of the last turn, all of which ends soon, with nobody to lift it. */
  expiring (atMs: number): readonly Mitigation[] {
    const expiresAt = new Date(atMs).toISOString()
    return this.#mitigations.map((mitigation) => ({ ...mitigation, spec: { ...mitigation.spec, expiresAt } }))
  }

  #mitigation (nowMs: number): Mitigation {
    const random = this.#random
    const measure = random.pick(MEASURES)
    const victims = random.sample([...this.#pods, ...this.#lasting], random.integer(1, MOST_VICTIMS))
    return mitigationOf(`m-${++this.#named}`, {
      ...measure,
      subject: { uid: 'attacker', addresses: [`192.0.2.${random.integer(1, SOURCES)}`] },
      victims: victims.map((uid) => ({ uid, addresses: ['127.0.0.1'] })),
      ports: random.chance(0.5) ? 'any' : [random.integer(1, 65_535)],
      expiresAt: new Date(nowMs + random.integer(500, 20_000)).toISOString(),
    }, { simulated: measure.mode === 'shadow' })
  }
}
