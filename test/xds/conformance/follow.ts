import { isDeepStrictEqual } from 'node:util'
import { RealEnvoy, until } from '../real-envoy.ts'
import type { Autoshield } from './autoshield.ts'
import type { Answer, Ask, Case, Change, Expect, Step, Variant } from './case.ts'
import { NODE_ID } from './control.ts'
import { Gathering, textsOf } from './gathering.ts'
import { Invariants } from './invariants.ts'
import { Memory } from './memory.ts'
import { typesOf } from './play.ts'
import { RecordingRelay } from './recording-relay.ts'
import { urlOf, typeOf, type TypeWord } from './resource.ts'
import type { Request, Response } from './stream.ts'
import { World } from './world.ts'

const namesIn = (text = ''): string[] => text.split(' ').filter((name) => name !== '')

/**
 * Follows a real Envoy through a case: what the case has the client say is waited for in the recording, and what the server
 * is to send is looked up there. Gives what was wrong, a line each.
 */
export async function follow (followed: Case, variant: Variant, server: Autoshield): Promise<string[]> {
  const relayId = { namespace: 'test', uid: 'relay' }
  await using stack = new AsyncDisposableStack()
  const relay = stack.use(await RecordingRelay.start(server.laboratory.credentials(relayId.uid), () => server.open()))
  const follower = new Follower(followed, variant, server, relay)
  await follower.set({ set: {} })
  const [first, ...rest] = followed.steps
  if (first === undefined || !('set' in first)) throw new TypeError(`'${followed.title}' does not begin with what there is`)
  await follower.set(first)
  stack.use(await RealEnvoy.start({
    podUid: NODE_ID, xds: { host: '127.0.0.1', port: relay.port, name: `spiffe://xds.test/ns/${relayId.namespace}/pod/${relayId.uid}` }, credentials: server.laboratory.credentials(NODE_ID), protocol: variant,
  }))
  for (const [index, step] of rest.entries()) {
    try {
      await follower.step(step)
    } catch (error) {
      return [`step ${index + 2}: ${error instanceof Error ? error.message : String(error)}`, ...follower.words()]
    }
  }
  return follower.violations()
}

class Follower {
  readonly #variant: Variant
  readonly #server: Autoshield
  readonly #relay: RecordingRelay
  readonly #world: World
  readonly #memory = new Memory()
  readonly #types: ReadonlySet<string>
  /** Responses that a step has taken, in the recording. */
  readonly #taken = new Set<number>()
  /** Responses whose answer another step looks at. */
  readonly #held = new Map<TypeWord, Response>()
  /** A type that Envoy asks for in any case and that this one is not about; null where there is none. */
  readonly #fence: 'cluster' | 'listener' | null
  #fences = ''
  #stream = 1
  #last = 0

  constructor (followed: Case, variant: Variant, server: Autoshield, relay: RecordingRelay) {
    this.#variant = variant
    this.#server = server
    this.#relay = relay
    this.#world = new World(null)
    this.#types = typesOf(followed)
    this.#fence = (['cluster', 'listener'] as const).find((type) => !this.#types.has(type)) ?? null
  }

  async set ({ set }: Change): Promise<void> {
    this.#server.set(this.#world.change(set))
  }

  async step (step: Step): Promise<void> {
    if ('set' in step) await this.set(step)
    else if ('ask' in step) await this.#ask(step)
    else if ('expect' in step) await this.#expect(step)
    else if ('answer' in step) await this.#answer(step)
    else if ('silence' in step) await this.#silence(step.or === 'empty')
    else if ('reconnect' in step) this.#cut()
    else throw new TypeError('no Envoy can be made to do this')
  }

  #requests (type: TypeWord): Request[] {
    return this.#relay.frames.flatMap(({ stream, request }) => stream === this.#stream && request?.typeUrl === urlOf(type) ? [request] : [])
  }

  #responses (type: TypeWord): { readonly at: number, readonly response: Response }[] {
    return this.#relay.frames.flatMap(({ stream, response }, at) => stream === this.#stream && response?.type === type && !this.#taken.has(at) ? [{ at, response }] : [])
  }

  async #ask ({ ask, add, drop, kept }: Ask): Promise<void> {
    if (ask === 'unknown') throw new TypeError('no Envoy asks for a type that it does not know')
    this.#relay.resume()
    const [first] = await until(`Envoy asks for ${ask} ${add ?? ''}${drop === undefined ? '' : ` and not for ${drop}`}`, () => {
      const requests = this.#requests(ask)
      const asked = this.#namesOf(requests)
      return requests.length > 0 && namesIn(add).every((name) => asked.has(name)) && !namesIn(drop).some((name) => asked.has(name)) ? requests : undefined
    })
    if (kept === undefined || first === undefined) return
    const initial = this.#memory.initial(ask, namesIn(kept))
    const [said, wanted] = this.#variant === 'delta' ? [first.initial, initial] : [first.version, this.#memory.versionOf(ask)]
    if (!isDeepStrictEqual(said, wanted)) throw new Error(`Envoy came back with ${JSON.stringify(said)}, and should with ${JSON.stringify(wanted)}`)
  }

  #namesOf (requests: readonly Request[]): Set<string> {
    if (this.#variant === 'sotw') return new Set(requests.at(-1)?.names)
    const names = new Set<string>()
    for (const { subscribe, unsubscribe } of requests) {
      for (const name of subscribe) names.add(name)
      for (const name of unsubscribe) names.delete(name)
    }
    return names
  }

  async #expect (step: Expect): Promise<void> {
    const { expect, then = 'ack', order } = step
    const gathering = Gathering.of(this.#variant, step, (text) => this.#memory.knows(expect, text))
    if (gathering === null) return
    const since = this.#last
    do {
      const { at, response } = await until(`${expect}: ${gathering.missing}`, () => this.#responses(expect)[0])
      this.#taken.add(at)
      const odd = gathering.take(response)
      if (odd !== null) throw new Error(odd)
      if (order === 'after' && at < since) throw new Error(`${expect}: '${textsOf(response).join(' ')}' came too early`)
      this.#last = Math.max(this.#last, at)
      if (then === 'hold') this.#held.set(expect, response)
      else await this.#answered(expect, response, then)
    } while (!gathering.complete)
  }

  async #answer ({ answer, with: reply }: Answer): Promise<void> {
    const held = this.#held.get(answer)
    if (held === undefined) throw new TypeError(`no response of ${answer} waits for an answer`)
    await this.#answered(answer, held, reply)
  }

  async #answered (type: TypeWord, response: Response, reply: 'ack' | 'nack'): Promise<void> {
    const { error } = await until(`Envoy answers ${type} ${textsOf(response).join(' ')}`, () => this.#requests(type).find(({ nonce }) => nonce === response.nonce))
    if ((error === null) !== (reply === 'ack')) throw new Error(`Envoy ${error === null ? 'took' : `refused (${error})`} ${type} ${textsOf(response).join(' ')}`)
    this.#memory.remember(type, response, reply === 'ack')
  }

  /** A resource is added of a type that the case is not about; what came before Envoy took it came for no reason. */
  async #silence (orEmpty: boolean): Promise<void> {
    if (this.#fence !== null) {
      const fence = `${World.fence(namesIn(this.#fences).length)}1`
      this.#fences = `${this.#fences} ${fence}`
      await this.set({ set: { [this.#fence]: this.#fences } })
      await until(`Envoy takes the fence, ${this.#fence} ${fence}`, () => this.#relay.frames.find(({ response }) => response?.type === this.#fence && response.resources.some(({ text }) => text === fence)))
    }
    const odd = this.#relay.frames.flatMap(({ response }, at) => response !== undefined && this.#types.has(response.type ?? '') && !this.#taken.has(at) && !(orEmpty && textsOf(response).length === 0) ? [`${response.type}: '${textsOf(response).join(' ')}'`] : [])
    if (odd.length > 0) throw new Error(`${odd.join(', ')} came, and should not`)
  }

  #cut (): void {
    this.#relay.cut()
    this.#stream = this.#relay.streams + 1
  }

  /** What is wrong with the responses whatever the case. */
  violations (): string[] {
    const streams = new Map<number, Invariants>()
    return this.#relay.frames.flatMap(({ stream, request, response }) => {
      const invariants = streams.get(stream) ?? new Invariants(this.#variant)
      streams.set(stream, invariants)
      const type = request === undefined ? null : typeOf(request.typeUrl)
      if (type !== null) invariants.asked(type)
      return response === undefined ? [] : invariants.check(response)
    })
  }

  /** The recording, for people. */
  words (): string[] {
    return this.#relay.frames.map(({ stream, request, response }) => request === undefined
      ? `${stream} < ${response.type ?? '?'} ${textsOf(response).join(' ')}`
      : `${stream} > ${typeOf(request.typeUrl) ?? request.typeUrl} ${[...request.names, ...request.subscribe, ...request.unsubscribe.map((name) => `-${name}`)].join(' ')} ${JSON.stringify(request.initial)} ${request.version} ${request.nonce} ${request.error ?? ''}`)
  }
}
