import { chown, copyFile, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { writeCredentials } from '../../../certs/credential-folder.ts'
import { readAccounts, type Account } from '../../../models/training/window-recording.ts'
import { PROXY_PORTS, PROXY_USER } from '../../../src/core/injection/names.ts'
import { STEPS_MS, windowStartMs } from '../../../src/core/window/window.ts'
import { wait } from '../../../src/wire/wait.ts'
import { proxySpecOf } from '../../../xds/proxy-spec-of.ts'
import { envoyBinary } from '../../setup/envoy-binary.ts'
import { Laboratory } from '../../xds/laboratory.ts'
import { relay } from '../../xds/relay.ts'
import type { Lab } from '../lab.ts'
import type { Pod } from '../pod.ts'
import type { LabProcess } from '../process.ts'
import type { RunWatch } from '../run.ts'
import { fragmentPath, Looks, looksPath, type PodJob } from './pod-job.ts'

/** Sources that live in the pods; packets are captured where all of them pass. */
export const POD_SOURCES = ['access-log', 'sockdiag'] as const
export type PodSource = (typeof POD_SOURCES)[number]

const XDS_PORT = 18_000
/** A dozen Nodes and Envoys at one time, on a machine with more to do. */
const STARTS_WITHIN_MS = 240_000
/** Longer than any run. */
const RELAYED_MS = 6 * 3_600_000
/** After a minute's end: its windows are closed by then, also where a look came late. */
const AFTER_MINUTE_MS = 1_500

interface Watched { readonly pod: Pod, readonly folder: string, readonly process: LabProcess }

/**
 * Pods with an Envoy before them as the webhook injects it (both directions, the client's address kept, an access log), and in each the
 * observers that read that log and the kernel's sockets.
 */
export class WatchedPods implements RunWatch {
  readonly #watched: readonly Watched[]
  readonly #stack: AsyncDisposableStack
  #accounts: Readonly<Record<PodSource, readonly Account[]>> | null = null
  #looks: readonly (Looks & { readonly pod: string })[] = []

  private constructor (watched: readonly Watched[], stack: AsyncDisposableStack) {
    this.#watched = watched
    this.#stack = stack
  }

  /** Resolves when everything that these pods say and hear over TCP passes their Envoys, and both observers watch. */
  static async start (lab: Lab, names: readonly string[]): Promise<WatchedPods> {
    const stack = new AsyncDisposableStack()
    try {
      const envoy = join(lab.folder, 'envoy') // another user cannot look into root's cache
      await copyFile(envoyBinary(), envoy)
      const xds = stack.use(await Laboratory.start())
      const pods = names.map((name) => lab.pod(name))
      xds.fleet.setProxies(pods.flatMap((pod) => specOf(pod) ?? []))
      const watched = await Promise.all(pods.map((pod) => watch(pod, { envoy, xds, stack })))
      await Promise.all(watched.map(({ process }) => process.saying('watched\n', STARTS_WITHIN_MS)))
      return new WatchedPods(watched, stack.move())
    } catch (error) {
      await stack.disposeAsync()
      throw error
    }
  }

  /** Until the minute ends, so that all windows close; then the observers end. */
  async finish (): Promise<void> {
    const [, , minuteMs] = STEPS_MS
    await wait(minuteMs - Date.now() % minuteMs + AFTER_MINUTE_MS, new AbortController().signal)
    await Promise.all(this.#watched.map(async ({ pod, process }) => {
      const { code, stderr } = await process.end()
      if (code !== 0) throw new Error(`what watched pod ${pod.name} ended with ${code}: ${stderr.slice(-2_000)}`)
    }))
    const told = async (source: PodSource): Promise<readonly Account[]> => (await Promise.all(this.#watched.map(({ folder }) => readAccounts(fragmentPath(folder, source), 0)))).flat()
    this.#looks = (await Promise.all(this.#watched.map(looksIn))).flat()
    this.#accounts = { 'access-log': await told('access-log'), sockdiag: await told('sockdiag') }
  }

  /** What they told of windows that end after `sinceMs`. There is nothing before `finish`. */
  accounts (source: PodSource, sinceMs: number): Account[] {
    if (this.#accounts === null) throw new Error('the pods are still watched')
    return this.#accounts[source].map(({ observer, windows }) => ({ observer, windows: windows.filter((window) => windowStartMs(window) + window.stepMs > sinceMs) }))
  }

  /** A line for each source that looked at less than this share of its steps, for want of a processor; none before `finish`. */
  seldom (leastLooks: number): string[] {
    return this.#looks.filter(({ looks, steps }) => looks < steps * leastLooks).map(({ source, pod, looks, steps }) => `${source} looked at pod ${pod} ${looks} times in ${steps} steps`)
  }

  [Symbol.asyncDispose] (): Promise<void> {
    return this.#stack.disposeAsync()
  }
}

async function looksIn ({ pod, folder }: Watched): Promise<(Looks & { readonly pod: string })[]> {
  return Value.Parse(Type.Array(Looks), JSON.parse(await readFile(looksPath(folder), 'utf8'))).map((looks) => ({ ...looks, pod: pod.name }))
}

/** Pods of a laboratory share the machine's files. */
const logSocketOf = (pod: Pod): string => join(pod.folder, 'als.sock')

/** As the webhook injects it where it may redirect. */
function specOf (pod: Pod) {
  const { inbound: inboundPort, transparent: transparentPort, outbound: outboundPort } = PROXY_PORTS
  const spec = proxySpecOf({ uid: pod.name, addresses: [...pod.addresses], proxy: { mode: 'redirect', inboundPort, transparentPort, outboundPort, httpPorts: [], explicitPorts: [], accessLog: true } })
  return spec === null ? null : { ...spec, accessLog: { socket: logSocketOf(pod) } }
}

async function watch (pod: Pod, { envoy, xds, stack }: { readonly envoy: string, readonly xds: Laboratory, readonly stack: AsyncDisposableStack }): Promise<Watched> {
  stack.use(await relay(pod, XDS_PORT, () => xds.port, RELAYED_MS))
  const [folder, credentials] = [join(pod.folder, 'proxy'), join(pod.folder, 'proxy-identity')]
  await writeCredentials(credentials, xds.credentials(pod.name))
  await mkdir(folder)
  await chown(folder, 0, PROXY_USER)
  const job: PodJob = { name: pod.name, addresses: [...pod.addresses], envoy, xdsPort: XDS_PORT, logSocket: logSocketOf(pod), folder, credentials }
  const child = pod.spawnInNetwork(['setpriv', '--regid', String(PROXY_USER), '--clear-groups', process.execPath, join(import.meta.dirname, 'pod-process.ts'), JSON.stringify(job)])
  stack.defer(async () => { await child.stop('SIGKILL', 0) })
  return { pod, folder, process: child }
}
