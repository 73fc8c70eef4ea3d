import type { LoopEvent } from '../ports/loop.ts'
import type { ModelInfo } from '../ports/scorer.ts'
import type { ScoreEvent } from '../ports/scores.ts'
import { refusalEntry } from './client-refusals.ts'
import type { DriftDesk } from './drift-desk.ts'
import type { FlowRecorder } from './flows/flow-recorder.ts'
import type { Forgers } from './forgers.ts'
import type { Journal } from './journal.ts'
import type { Judge } from './judge.ts'
import type { ControllerMetrics } from './metrics.ts'
import type { MitigationDesk } from './mitigation-desk.ts'
import type { ModelNews } from './model-news.ts'
import type { RolloutDesk } from './rollout/rollout-desk.ts'

export interface ScoreEventsParts {
  readonly drift: DriftDesk
  readonly flows: Pick<FlowRecorder, 'take'>
  readonly forgers: Forgers
  readonly journal: Journal
  readonly judge: Judge
  readonly meet: (model: ModelInfo) => Promise<void>
  readonly metrics: ControllerMetrics
  readonly mitigations: MitigationDesk
  readonly models: ModelNews
  readonly publish: (event: LoopEvent) => void
  readonly rollouts: RolloutDesk
}

/** What the detector says, and whom each part of it concerns. */
export class ScoreEvents {
  /** The newest picture of the traffic; null before any came. */
  traffic: Extract<LoopEvent, { type: 'traffic' }> | null = null
  readonly #parts: ScoreEventsParts

  constructor (parts: ScoreEventsParts) {
    this.#parts = parts
  }

  async hear (event: ScoreEvent): Promise<void> {
    const { drift, flows, forgers, journal, judge, meet, metrics, mitigations, models, publish, rollouts } = this.#parts
    switch (event.type) {
      case 'synced': return meet(event.model)
      case 'restrictions':
        rollouts.counted(event.counts)
        return mitigations.counted(event.counts)
      case 'traffic':
        this.traffic = event
        publish(event)
        metrics.detector(event.stats)
        forgers.take(event.stats)
        return
      case 'stats':
        metrics.detector(event.stats)
        forgers.take(event.stats)
        return
      case 'refusals': return journal.keep({ writes: () => [], audit: event.refusals.map((refusal) => refusalEntry('detector', refusal)) })
      case 'models': return models.take(event.standing)
      case 'comparison':
        models.compared(event.comparison)
        return
      case 'counts': { drift.take(event.counts); return }
      case 'flows': return flows.take(event.sightings)
      case 'scores': return judge.take(event.scores)
    }
  }
}
