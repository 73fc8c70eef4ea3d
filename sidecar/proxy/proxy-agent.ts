import { AutoshieldError } from '../../src/core/errors.ts'
import type { Credentials } from '../../src/core/identity.ts'
import type { CredentialSource } from '../../src/ports/identity.ts'
import type { SynLimit } from '../../src/wire/chain-name.ts'
import { firstCredentials } from '../../src/wire/held-credentials.ts'
import { wait } from '../../src/wire/wait.ts'
import type { ClientAddress, Facts } from './client-address.ts'
import { accepts, EnvoyAdmin } from './envoy-admin.ts'
import { keepEnvoy, type ProxyUser } from './envoy-process.ts'
import { openConnections, type OpenConnection } from './open-connections.ts'
import { Redirect } from './redirect.ts'
import { type RedirectPlan, redirectRules } from './redirect-rules.ts'
import { SynLimits } from './syn-limits.ts'
import { hasNetRaw } from './transparency.ts'

export type ProxyAgentEvent =
  | { readonly type: 'started' }
  | { readonly type: 'ended', readonly how: string, readonly retryMs: number }
  | { readonly type: 'redirecting', readonly inboundPort: number | null, readonly outboundPort: number | null, readonly clientAddress: ClientAddress }
  /** Connections reach the pod, and leave it, without the proxy. */
  | { readonly type: 'direct', readonly why: string }
  /** New connections are held to these limits from now on; none: they are no longer. */
  | { readonly type: 'limiting', readonly limits: readonly SynLimit[] }
  /** Limits on new connections stay as they were. */
  | { readonly type: 'unlimited', readonly why: string }
  | { readonly type: 'unwritten', readonly error: AutoshieldError }

/** What is redirected once the proxy listens for it. */
export interface WantedRedirect extends Pick<RedirectPlan, 'inboundPort' | 'outboundPort' | 'group' | 'directPorts' | 'node'> {
  /** As of now; must not throw. */
  readonly directCalls: () => Promise<RedirectPlan['directCalls']>
  /** Instead of `inboundPort` where the client's address can be kept; null where it is not to be. */
  readonly transparentPort: number | null
  /** As of now, and with such a proxy; must not throw. */
  readonly clientAddress: (proxy: Facts['proxy']) => Promise<ClientAddress>
}

export interface ProxyAgentOptions {
  /** Envoy and its arguments. */
  readonly command: readonly [string, ...string[]]
  readonly runAs: ProxyUser | null
  /** Whether Envoy is to have the capability NET_RAW as that user. */
  readonly netRaw: boolean
  readonly adminSocket: string
  /** Null where nothing may be redirected. */
  readonly redirect: WantedRedirect | null
  readonly credentials: CredentialSource
  /** Puts them where Envoy reads them. */
  readonly store: (credentials: Credentials) => Promise<void>
  readonly random: () => number
  readonly onEvent: (event: ProxyAgentEvent) => void
}

/** How often it is looked what Envoy listens on: at its start, and later. */
const EARLY_MS = 200
const LATER_MS = 2_000
const STORE_AGAIN_MS = 5_000
/** Connections that are still open are let end for so long when the pod stops. */
const DRAIN_MS = 20_000

/**
 * Keeps a pod's Envoy and the redirect to it. The redirect holds only while Envoy listens: a proxy that has no configuration yet, is
 * dead, or died with this process, leaves the pod to be reached directly, without its restrictions.
 */
export class ProxyAgent {
  readonly #options: ProxyAgentOptions
  readonly #admin: EnvoyAdmin
  readonly #synLimits: SynLimits
  /** Null while it does not run. */
  #envoyPid: number | null = null
  /** What was open when the redirect began. */
  #older: readonly OpenConnection[] = []
  #told = ''
  #limiting = '[]'

  constructor (options: ProxyAgentOptions) {
    this.#options = options
    this.#admin = new EnvoyAdmin(options.adminSocket)
    this.#synLimits = new SynLimits({ admin: this.#admin, onTrouble: (why) => options.onEvent({ type: 'unlimited', why }) })
  }

  /** Runs until the signal aborts and the connections through the proxy have ended, for a while at most. */
  async run (signal: AbortSignal): Promise<void> {
    const { credentials } = this.#options
    try {
      await firstCredentials(credentials, signal)
    } catch (error) {
      if (signal.aborted) return
      throw error
    }
    const stop = new AbortController()
    using redirect = new Redirect()
    const drained = this.#drain(signal).finally(() => {
      stop.abort()
      redirect.withdraw()
    })
    let stored = this.#store(stop.signal)
    const changes = credentials.onChange(() => { stored = stored.then(() => this.#store(stop.signal)) })
    try {
      await stored
      await Promise.all([drained, this.#keepEnvoy(redirect, stop.signal), this.#keepRedirect(redirect, stop.signal)])
    } finally {
      changes[Symbol.dispose]()
    }
  }

  async #keepEnvoy (redirect: Redirect, signal: AbortSignal): Promise<void> {
    const { command, runAs, netRaw, random, onEvent } = this.#options
    await keepEnvoy({
      command,
      runAs,
      netRaw,
      random,
      onStart: (pid) => {
        this.#envoyPid = pid
        onEvent({ type: 'started' })
      },
      onEnd: (how, retryMs) => {
        this.#envoyPid = null
        this.#told = ''
        redirect.withdraw() // at once: until it is gone, new connections are refused
        onEvent({ type: 'ended', how, retryMs })
      },
    }, signal)
  }

  /** Puts the newest credentials where Envoy reads them; tries until the signal aborts. */
  async #store (signal: AbortSignal): Promise<void> {
    const { store, credentials, onEvent } = this.#options
    do {
      try {
        await store(credentials.current())
        return
      } catch (thrown) {
        onEvent({ type: 'unwritten', error: AutoshieldError.from(thrown) })
      }
    } while (await wait(STORE_AGAIN_MS, signal))
  }

  async #keepRedirect (redirect: Redirect, signal: AbortSignal): Promise<void> {
    const { redirect: wanted } = this.#options
    if (wanted === null) return
    do await this.#converge(redirect, wanted, signal)
    while (await wait(redirect.held ? LATER_MS : EARLY_MS, signal))
  }

  /** Redirects to what Envoy listens on, and to nothing else. */
  async #converge (redirect: Redirect, wanted: WantedRedirect, signal: AbortSignal): Promise<void> {
    const listening = await this.#admin.listeningPorts() ?? new Set()
    const usable = async (port: number | null) => port !== null && listening.has(port) && (redirect.held || await accepts(port)) ? port : null
    const [inboundPort, outboundPort, transparentPort] = await Promise.all([usable(wanted.inboundPort), usable(wanted.outboundPort), usable(wanted.transparentPort)])
    if (inboundPort === null && outboundPort === null) {
      redirect.withdraw()
      this.#tell({ type: 'direct', why: 'the proxy does not listen yet' })
      return
    }
    const pid = this.#envoyPid
    if (pid === null) return // it has ended
    const clientAddress = await wanted.clientAddress(transparentPort === null ? 'without-listener' : await hasNetRaw(pid) ? 'ready' : 'without-capability')
    if (transparentPort !== null && !redirect.held) this.#older = await openConnections()
    const transparent = transparentPort === null ? null : { port: transparentPort, families: clientAddress.kind === 'kept' ? clientAddress.families : [], older: this.#older }
    const limits = await this.#synLimits.now()
    const rules = redirectRules({ ...wanted, inboundPort, outboundPort, transparent, directCalls: await wanted.directCalls(), synLimits: limits })
    if (this.#envoyPid !== pid || signal.aborted) return // it ended meanwhile
    try {
      await redirect.hold(rules)
      this.#tell({ type: 'redirecting', inboundPort, outboundPort, clientAddress })
      this.#tellLimits(limits)
    } catch (thrown) {
      this.#tell({ type: 'direct', why: AutoshieldError.from(thrown).message })
    }
  }

  /** Of where connections go, what differs from what was told last. */
  #tell (event: ProxyAgentEvent): void {
    const text = JSON.stringify(event)
    if (text === this.#told) return
    this.#told = text
    this.#options.onEvent(event)
  }

  #tellLimits (limits: readonly SynLimit[]): void {
    const text = JSON.stringify(limits)
    if (text === this.#limiting) return
    this.#limiting = text
    this.#options.onEvent({ type: 'limiting', limits })
  }

  /** Resolves when the signal has aborted and nobody is connected through the proxy, or the time is up. */
  async #drain (signal: AbortSignal): Promise<void> {
    const aborted = Promise.withResolvers<undefined>()
    signal.addEventListener('abort', () => aborted.resolve(undefined), { once: true })
    if (signal.aborted) aborted.resolve(undefined)
    await aborted.promise
    const late = AbortSignal.timeout(DRAIN_MS)
    while ((await this.#admin.connections() ?? 0) > 0 && await wait(EARLY_MS, late));
  }
}
