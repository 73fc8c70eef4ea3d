import type { KubernetesApi } from '../../src/ports/kubernetes.ts'
import type { Span } from './diary.ts'
import { leadOf, type Lead } from './watching.ts'

/** An answer that took longer than this says that the API server, or etcd behind it, was away. */
const SLOW_MS = 1_000

/** Who leads by the lease, and when the API server could not say. */
export class LeaseWatch {
  readonly #api: KubernetesApi
  readonly #past: Span[] = []
  /** Since when nothing was answered; null while it answers. */
  #awaySinceMs: number | null = null
  /** By the newest look that was answered. */
  lead: Lead = { holder: null, inStep: [] }

  constructor (api: KubernetesApi) {
    this.#api = api
  }

  /** Rejects where the API server does not answer. */
  async look (): Promise<void> {
    const fromMs = Date.now()
    try {
      this.lead = await leadOf(this.#api)
    } catch (error) {
      this.#awaySinceMs ??= fromMs
      throw error
    }
    const untilMs = Date.now()
    const sinceMs = this.#awaySinceMs ?? (untilMs - fromMs > SLOW_MS ? fromMs : null)
    if (sinceMs !== null) this.#past.push({ fromMs: sinceMs, untilMs })
    this.#awaySinceMs = null
  }

  /** When it did not answer: from the first question without an answer to the next answer. */
  away (): readonly Span[] {
    return this.#awaySinceMs === null ? this.#past : [...this.#past, { fromMs: this.#awaySinceMs, untilMs: Infinity }]
  }
}
