import type { LoopEvent } from '../../../ports/loop.ts'
import { EMPTY_WALL, reduce, type Lists, type Wall, type WallChange, type WallPod } from './wall.ts'

const API = '/api/v1'
const EVENT_TYPES = ['traffic', 'detection', 'decision', 'mitigation', 'proxy', 'rollout', 'halt', 'changed'] as const

/** What the API said when it said no. */
export class Refusal extends Error {}

/** The JSON of a call; throws Refusal with the API's own sentence, or with one for a console that does not answer. */
export async function call <T> (path: string, init?: RequestInit): Promise<T> {
  const response = await fetch(`${API}${path}`, init).catch(() => null)
  if (response === null) throw new Refusal('The console does not answer.')
  const body: unknown = await response.json().catch(() => null)
  if (response.ok) return body as T // the OpenAPI document says of which shape; the console is the same build as this page
  const message: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, 'message') : null
  throw new Refusal(typeof message === 'string' ? message : `The console answered ${response.status}.`)
}

export const postJson = <T>(path: string, body: unknown): Promise<T> =>
  call<T>(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })

export interface Page<T> { readonly items: readonly T[], readonly next: string | null }

async function allPods (): Promise<readonly WallPod[]> {
  const pods: WallPod[] = []
  for (let cursor: string | null = ''; cursor !== null;) {
    const page: Page<WallPod> = await call(`/pods?limit=500${cursor === '' ? '' : `&cursor=${cursor}`}`)
    pods.push(...page.items)
    cursor = page.next
  }
  return pods
}

async function fetchLists (): Promise<Lists> {
  const items = async <T>(path: string): Promise<readonly T[]> => (await call<Page<T>>(path)).items
  const [detections, decisions, mitigations, proxies, rollouts, { halt }, pods, traffic, status] = await Promise.all([
    items<Lists['detections'][number]>('/detections?limit=200'),
    items<Lists['decisions'][number]>('/decisions?limit=500'),
    items<Lists['mitigations'][number]>('/mitigations?limit=200'),
    items<Lists['proxies'][number]>('/proxies?limit=500'),
    items<Lists['rollouts'][number]>('/rollouts?limit=500'),
    call<{ halt: Lists['halt'] }>('/panic'),
    allPods(),
    call<Lists['traffic']>('/traffic'),
    call<Lists['status']>('/status'),
  ])
  return { detections, decisions, mitigations, proxies, rollouts, halt, pods, traffic, status }
}

/**
 * Keeps a wall up to date from the event stream, and fetches the lists whole when the stream cannot go on where it was.
 * Changes are handed out at most once a frame, however fast events come.
 */
export class Live {
  #wall = EMPTY_WALL
  #source: EventSource | null = null
  #retry = 0
  #frame = 0
  /** Events that came while lists were on their way; applied after them. */
  #held: WallChange[] | null = null
  /** Addresses that were asked for and are no pod's. */
  readonly #strangers = new Set<string>()
  readonly #onChange: (wall: Wall) => void

  constructor (onChange: (wall: Wall) => void) {
    this.#onChange = onChange
  }

  start (): void {
    const source = new EventSource(`${API}/events`)
    this.#source = source
    source.addEventListener('hello', ({ data }) => {
      const { resumed } = JSON.parse(String(data)) as { resumed: boolean }
      if (resumed) this.#apply({ type: 'link', link: { state: 'live' } })
      else this.#reload()
    })
    source.addEventListener('reset', () => this.#reload())
    for (const type of EVENT_TYPES) {
      source.addEventListener(type, ({ data }) => {
        const event = JSON.parse(String(data)) as LoopEvent
        this.#take({ type: 'event', event, atMs: Date.now() })
        if (event.type === 'traffic') this.#meet(event)
      })
    }
    source.addEventListener('error', () => this.#lost())
  }

  stop (): void {
    this.#source?.close()
    window.clearTimeout(this.#retry)
    window.cancelAnimationFrame(this.#frame)
  }

  #lost (): void {
    const { state } = this.#wall.link
    if (state !== 'lost') this.#apply({ type: 'link', link: { state: 'lost', sinceMs: Date.now() } })
    // The browser reconnects by itself after a cut, but gives up on a refusal.
    if (this.#source?.readyState !== EventSource.CLOSED) return
    window.clearTimeout(this.#retry)
    this.#retry = window.setTimeout(() => this.start(), 3000)
  }

  #reload (): void {
    this.#held ??= []
    fetchLists().then((lists) => {
      this.#apply({ type: 'lists', lists, atMs: Date.now() })
      this.#apply({ type: 'link', link: { state: 'live' } })
      const held = this.#held ?? []
      this.#held = null
      for (const change of held) this.#apply(change)
    }, () => {
      // Whatever failed, the mend is the same: start the stream anew, which fetches the lists again.
      this.#held = null
      this.#source?.close()
      this.#lost()
    })
  }

  /** Fetches a detection that is older than the lists, with all that followed from it. False: there is none. */
  async fetchDetection (id: string): Promise<boolean> {
    const name = encodeURIComponent(id)
    const detection = await call<Lists['detections'][number]>(`/detections/${name}`).catch(() => null)
    if (detection === null) return false
    const [decisions, mitigations] = await Promise.all([
      call<Page<Lists['decisions'][number]>>(`/decisions?detection=${name}&limit=100`),
      call<Page<Lists['mitigations'][number]>>(`/mitigations?detection=${name}&limit=100`),
    ])
    const events: LoopEvent[] = [
      { type: 'detection', detection },
      ...decisions.items.toReversed().map((decision) => ({ type: 'decision' as const, decision })),
      ...mitigations.items.toReversed().map((mitigation) => ({ type: 'mitigation' as const, mitigation })),
    ]
    for (const event of events) this.#apply({ type: 'event', event, atMs: Date.now() })
    return true
  }

  #take (change: WallChange): void {
    if (this.#held === null) this.#apply(change)
    else this.#held.push(change)
  }

  /** Fetches the pods again when traffic names an address that nobody has asked for yet: a pod may have come. */
  #meet ({ edges }: Extract<LoopEvent, { type: 'traffic' }>): void {
    if (this.#held !== null) return
    const known = new Set(this.#wall.pods.flatMap(({ addresses }) => addresses))
    const news = edges.flatMap(({ source, destination }) => [source, destination]).filter((address) => !known.has(address) && !this.#strangers.has(address))
    if (news.length === 0) return
    if (this.#strangers.size > 5000) this.#strangers.clear()
    for (const address of news) this.#strangers.add(address)
    allPods().then((pods) => this.#apply({ type: 'pods', pods }), () => {
      for (const address of news) this.#strangers.delete(address) // asked again with the next picture
    })
  }

  #apply (change: WallChange): void {
    this.#wall = reduce(this.#wall, change)
    this.#frame ||= window.requestAnimationFrame(() => {
      this.#frame = 0
      this.#onChange(this.#wall)
    })
  }
}
