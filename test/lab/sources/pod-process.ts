// `node pod-process.ts '{"name": ..., ...}'` in a pod's network: its Envoy with all that keeps it in production, and the two observers that
// see no packets. Says `watched` once both see the traffic; on SIGTERM it writes what they told, and ends.
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Value } from 'typebox/value'
import { credentialFiles, readCredentials, writeCredentials } from '../../../certs/credential-folder.ts'
import { recordAccounts } from '../../../models/training/window-recording.ts'
import { AccessLog } from '../../../sidecar/als/access-log.ts'
import { defaultGateways } from '../../../sidecar/proxy/default-gateways.ts'
import { ProxyAgent, type ProxyAgentEvent } from '../../../sidecar/proxy/proxy-agent.ts'
import { Transparency } from '../../../sidecar/proxy/transparency.ts'
import { SockdiagSource } from '../../../sidecar/sockdiag/sockdiag-source.ts'
import type { WindowSource } from '../../../sidecar/window-source.ts'
import { systemClock } from '../../../src/adapters/standalone/clock.ts'
import { PROXY_PORTS, PROXY_USER } from '../../../src/core/injection/names.ts'
import { STEPS_MS, type Window } from '../../../src/core/window/window.ts'
import { fixedCredentials } from '../../../src/wire/held-credentials.ts'
import { bootstrapFile, bootstrapFiles, envoyArguments } from '../../../xds/bootstrap.ts'
import { onLoopback } from '../../xds/real-envoy.ts'
import { fragmentPath, looksPath, PROXY_BOUNDS, PodJob, type Looks } from './pod-job.ts'

const stop = new AbortController()
process.once('SIGTERM', () => stop.abort())

async function main (text: string): Promise<void> {
  const job = Value.Parse(PodJob, JSON.parse(text))
  const log = new AccessLog({ socket: job.logSocket, ownAddresses: job.addresses, uplink: { restricted: () => undefined, droppedRestrictions: 0 }, onRefused: ({ message }) => { throw new Error(message) } })
  // As an observer beside a proxy has them (src/cli/run-cluster-observer.ts).
  const sources = {
    'access-log': log.source({ clock: systemClock }),
    sockdiag: new SockdiagSource({ ownAddresses: job.addresses, clock: systemClock, ignores: ({ local }) => local.port === PROXY_PORTS.transparent, outboundPort: PROXY_PORTS.outbound }),
  }
  const told = Object.entries(sources).map(([name, source]) => ({ name, watch: new SourceWatch(source) }))
  const serving = log.run(stop.signal)
  const redirected = Promise.withResolvers<undefined>()
  const keeping = (await keeper(job, redirected.resolve)).run(new AbortController().signal) // until this process ends
  await Promise.race([Promise.all([redirected.promise, ...told.map(({ watch }) => watch.watching)]), keeping, ...told.map(({ watch }) => watch.done)])
  if (!stop.signal.aborted) process.stderr.write('watched\n')
  await Promise.all([serving, ...told.map(({ watch }) => watch.done)])
  for (const { name, watch: { windows } } of told) await writeFile(fragmentPath(job.folder, name), (await recordAccounts([{ observer: job.name, windows }])).bytes)
  await writeFile(looksPath(job.folder), JSON.stringify(told.map(({ name, watch }): Looks => ({ source: name, looks: watch.looks, steps: watch.steps }))))
  process.exit(0) // Envoy and the redirect end with it
}

/** One source, from now until the stop. */
class SourceWatch {
  readonly windows: Window[] = []
  looks = 0
  /** Whole steps from the first look to the last. */
  steps = 0
  readonly watching: Promise<undefined>
  readonly done: Promise<void>

  constructor (source: WindowSource) {
    const { promise, resolve } = Promise.withResolvers<undefined>()
    this.watching = promise
    let sinceMs = NaN
    this.done = source.run(stop.signal, {
      watching: () => {
        sinceMs = performance.now()
        resolve(undefined)
      },
      take: (windows) => {
        this.windows.push(...windows)
        if (Number.isNaN(sinceMs)) return // a first look, to know what was there
        this.looks++
        this.steps = Math.floor((performance.now() - sinceMs) / STEPS_MS[0])
      },
    })
  }
}

/** What `autoshield proxy` runs, with credentials that lie ready. */
async function keeper ({ name, folder, envoy, xdsPort, credentials }: PodJob, onRedirected: (nothing: undefined) => void): Promise<ProxyAgent> {
  const [identity, admin] = [join(folder, 'identity'), join(folder, 'admin')]
  for (const [path, mode] of [[identity, 0o750], [admin, 0o770]] as const) {
    await mkdir(path, { recursive: true })
    await chmod(path, mode)
  }
  const { certificate, key, authorities } = credentialFiles(identity)
  const adminSocket = join(admin, 'admin.sock')
  const files = bootstrapFiles({ podUid: name, namespace: 'test', xds: onLoopback(xdsPort), folder: identity, certificateFile: certificate, keyFile: key, authoritiesFile: authorities, adminSocket, bounds: PROXY_BOUNDS })
  for (const file of files) await writeFile(file.path, file.text, { mode: 0o640 })
  const transparency = await Transparency.prepare(true)
  const node = await defaultGateways()
  return new ProxyAgent({
    command: [envoy, ...envoyArguments(bootstrapFile(identity))],
    runAs: { uid: PROXY_USER, gid: PROXY_USER },
    netRaw: true,
    adminSocket,
    redirect: {
      inboundPort: PROXY_PORTS.inbound,
      outboundPort: PROXY_PORTS.outbound,
      transparentPort: PROXY_PORTS.transparent,
      clientAddress: (proxy) => transparency.now(proxy),
      group: PROXY_USER,
      directPorts: [],
      node,
      directCalls: async () => [],
    },
    credentials: fixedCredentials(await readCredentials(credentials)),
    store: (next) => writeCredentials(identity, next, { group: true }),
    random: Math.random,
    onEvent: (event) => {
      process.stderr.write(`${JSON.stringify(event)}\n`)
      if (isWhole(event)) onRedirected(undefined)
    },
  })
}

/** Both directions pass the proxy, and applications see their clients. */
const isWhole = (event: ProxyAgentEvent): boolean =>
  event.type === 'redirecting' && event.inboundPort !== null && event.outboundPort !== null && event.clientAddress.kind === 'kept'

await main(process.argv[2] ?? '')
