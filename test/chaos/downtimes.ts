import type { Cast } from './cast.ts'
import type { Downtime } from './diary.ts'

const UP = 'connections are redirected'
const DOWN = /Envoy has ended|connections reach the pod directly/g
/** Between two looks a proxy may have gone and come. */
const MARGIN_MS = 300

/** When the proxies were not in front of their pods, by what their keepers say. */
export class Downtimes {
  readonly #keepers: Cast['keepers']
  readonly #down = new Map<string, number>()
  readonly #past: Downtime[] = []
  /** How often each was seen to come up by the process that keeps it now. */
  readonly #seen = new Map<string, { readonly pid: number, readonly ups: number }>()

  constructor (keepers: Cast['keepers']) {
    this.#keepers = keepers
  }

  /** A proxy is killed now. */
  begin (victim: string): void {
    const keeper = this.#keepers.find((each) => each.victim.name === victim)
    if (keeper === undefined) return
    const { pid, stderr } = keeper.member.running
    this.#seen.set(victim, { pid, ups: stderr.split(UP).length })
    if (!this.#down.has(victim)) this.#down.set(victim, Date.now() - MARGIN_MS)
  }

  look (): void {
    for (const { victim: { name }, member: { running: { pid, stderr } } } of this.#keepers) {
      const [up, down] = [stderr.lastIndexOf(UP), [...stderr.matchAll(DOWN)].at(-1)?.index ?? -1]
      const before = this.#seen.get(name)
      const isBack = up > down && (before === undefined || before.pid !== pid || stderr.split(UP).length > before.ups)
      const sinceMs = this.#down.get(name)
      if (sinceMs !== undefined && isBack) {
        this.#past.push({ victim: name, fromMs: sinceMs, untilMs: Date.now() + MARGIN_MS })
        this.#down.delete(name)
      } else if (sinceMs === undefined && !(up > down)) this.#down.set(name, Date.now() - MARGIN_MS)
    }
  }

  /** Those that are over, and those that go on. */
  all (): readonly Downtime[] {
    return [...this.#past, ...[...this.#down].map(([victim, fromMs]) => ({ victim, fromMs, untilMs: Infinity }))]
  }

  get allUp (): boolean {
    return this.#down.size === 0
  }
}
