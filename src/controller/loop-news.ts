import type { MeshPolicy } from '../core/rollout/mesh-policy.ts'
import type { FetchedList, LoopEvent } from '../ports/loop.ts'
import { Broadcast } from './broadcast.ts'
import { ListNews } from './list-news.ts'
import type { ControllerMetrics } from './metrics.ts'
import { RolloutNews } from './rollout/rollout-news.ts'

const MAX_EVENTS_WAITING = 1_000

/** What those who watch the loop are told: events as they come, and at each beat what differs from the one before. */
export class LoopNews {
  readonly #metrics: ControllerMetrics
  readonly #events = new Broadcast<LoopEvent>(MAX_EVENTS_WAITING)
  readonly #rollouts = new RolloutNews()
  readonly #lists = new ListNews()
  #dropped = 0

  constructor (metrics: ControllerMetrics) {
    this.#metrics = metrics
  }

  publish (event: LoopEvent): void {
    this.#events.publish(event)
  }

  subscribe (signal: AbortSignal): AsyncIterable<LoopEvent> {
    return this.#events.subscribe(signal)
  }

  beat (rollouts: readonly MeshPolicy[], lists: Readonly<Record<FetchedList, unknown>>): void {
    for (const event of [...this.#rollouts.of(rollouts), ...this.#lists.of(lists)]) this.#events.publish(event)
    this.#metrics.dropped('event', this.#events.dropped - this.#dropped)
    this.#dropped = this.#events.dropped
  }
}
