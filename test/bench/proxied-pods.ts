import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AlsServer } from '../../sidecar/als/als-server.ts'
import { redirectRules } from '../../sidecar/proxy/redirect-rules.ts'
import { Lab } from '../lab/lab.ts'
import type { Pod } from '../lab/pod.ts'
import { Laboratory } from '../xds/laboratory.ts'
import { mitigationOf } from '../xds/mitigation-of.ts'
import { onLoopback, RealEnvoy, until } from '../xds/real-envoy.ts'
import { relay } from '../xds/relay.ts'
import { cpuMsOf } from './cpu-time.ts'
import { httpLoad, type HttpLoad } from './http-load.ts'
import { plainEnvoy } from './plain-envoy.ts'

/** Ports of the application: of the first nothing is declared, of the second that it speaks HTTP. */
export const PORTS = { tcp: 8080, http: 8081 } as const
const [INBOUND, TRANSPARENT, OUTBOUND, XDS] = [15_006, 15_007, 15_001, 18_000]
const LOAD = { connections: 32, seconds: 1 }

/** What stands before the application; a number is our proxy, with so many other sources denied. */
export type Front = 'none' | 'plain' | number

/** One load on one pod. */
export interface Taken extends HttpLoad {
  /** Processor time of the proxy, microseconds a request. */
  readonly cpuUs: number
}

/** A client's pod, and pods with the same application behind each front, whose inbound connections the kernel redirects to it. */
export class ProxiedPods implements AsyncDisposable {
  readonly #stack: AsyncDisposableStack
  readonly #client: Pod
  readonly #pods: ReadonlyMap<Front, Pod>
  readonly #envoys: ReadonlyMap<Front, RealEnvoy>

  private constructor (stack: AsyncDisposableStack, client: Pod, pods: ReadonlyMap<Front, Pod>, envoys: ReadonlyMap<Front, RealEnvoy>) {
    this.#stack = stack
    this.#client = client
    this.#pods = pods
    this.#envoys = envoys
  }

  static async start (fronts: readonly Front[]): Promise<ProxiedPods> {
    await using stack = new AsyncDisposableStack()
    const nameOf = (front: Front): string => `front-${front}`
    const names = ['client', ...fronts.map(nameOf)]
    const lab = stack.use(await Lab.start({ offloads: true, pods: names.map((name, at) => ({ name, address: `10.68.0.${at + 1}` })) }))
    const laboratory = stack.use(await Laboratory.start())
    const pods = new Map(fronts.map((front) => [front, lab.pod(nameOf(front))]))
    await Promise.all(pods.values().map(serve))
    const ours = [...pods].flatMap(([front, pod]) => typeof front === 'number' ? [{ denied: front, pod, accessLog: { socket: join(pod.folder, 'als.sock') } }] : [])
    // As the webhook has them injected.
    laboratory.fleet.setProxies(ours.map(({ pod, accessLog }) => ({ podUid: pod.name, inbound: { mode: 'redirect', port: INBOUND, transparentPort: TRANSPARENT }, outbound: { port: OUTBOUND }, httpPorts: [PORTS.http], accessLog })))
    laboratory.fleet.apply(ours.flatMap(({ denied, pod }) => Array.from({ length: denied }, (_, at) => mitigationOf(`${pod.name}-${at}`, {
      subject: { uid: `source-${at}`, addresses: [`10.77.${at >> 8}.${at & 255}`] }, victims: [{ uid: pod.name, addresses: [pod.address] }],
    }))))
    const envoys = new Map<Front, RealEnvoy>()
    for (const { denied, pod, accessLog } of ours) {
      stack.use(listen(accessLog.socket))
      stack.use(await relay(pod, XDS, () => laboratory.port))
      envoys.set(denied, stack.use(await RealEnvoy.start({ podUid: pod.name, xds: onLoopback(XDS), credentials: laboratory.credentials(pod.name), networkOf: pod.pid })))
    }
    const plain = pods.get('plain')
    if (plain !== undefined) envoys.set('plain', stack.use(await plainEnvoy({ port: INBOUND, httpPort: PORTS.http, networkOf: plain.pid })))
    await until(`every proxy has its configuration: ${JSON.stringify(laboratory.fleet.statuses())}`, () => laboratory.fleet.statuses().every(({ state }) => state === 'in-sync') || undefined, 60_000)
    await Promise.all([...pods].filter(([front]) => envoys.has(front)).map(([front, pod]) => front === 'plain' ? redirect(pod) : redirectTransparently(pod)))
    return new ProxiedPods(stack.move(), lab.pod('client'), pods, envoys)
  }

  /** As many requests as are answered in a second over connections that stay. */
  async load (front: Front, port: number): Promise<Taken> {
    const pid = this.#envoys.get(front)?.pid
    const cpuMs = (): number => pid === undefined ? 0 : cpuMsOf(pid)
    const before = cpuMs()
    const load = await httpLoad(this.#client, `http://${this.#pods.get(front)?.address}:${port}/`, LOAD)
    return { ...load, cpuUs: (cpuMs() - before) * 1000 / load.perSecond / LOAD.seconds }
  }

  [Symbol.asyncDispose] (): Promise<void> {
    return this.#stack.disposeAsync()
  }
}

/** An application that costs next to nothing itself. */
async function serve (pod: Pod): Promise<void> {
  const config = join(pod.folder, 'nginx.conf')
  await writeFile(config, `worker_processes 1; user root; pid ${pod.folder}/nginx.pid; events { }
    http { access_log off; keepalive_requests 1000000000; server { listen ${PORTS.tcp}; listen ${PORTS.http}; location / { return 200 ok; } } }`)
  pod.spawn(`exec nginx -e stderr -g 'daemon off;' -c ${config}`)
  await Promise.all(Object.values(PORTS).map((port) => pod.listening(port)))
}

/** The access log service of the pod's observer, which is not there itself. */
function listen (socket: string): AsyncDisposable {
  const stop = new AbortController()
  const ran = new AlsServer({ socket, onEntry: () => undefined }).run(stop.signal)
  return {
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await ran
    },
  }
}

/** As the keeper of an injected proxy has it, whose application sees its client's address; but the table outlives the nft that makes it. */
async function redirectTransparently (pod: Pod): Promise<void> {
  const rules = redirectRules({ inboundPort: INBOUND, outboundPort: null, transparent: { port: TRANSPARENT, families: ['ip'], older: [] }, group: 65_533, directPorts: [], node: [], directCalls: [], synLimits: [] })
  await pod.must(`nft '${rules.replace('flags owner;', '')}'`)
  const opened = pod.spawnInNetwork([process.execPath, '--input-type=module', '--eval', `import { openReturnWays } from '${RETURN_WAY}'; await openReturnWays()`])
  await opened.done
}
const RETURN_WAY = new URL('../../sidecar/proxy/return-way.ts', import.meta.url).href

async function redirect (pod: Pod): Promise<void> {
  await pod.must(`nft 'table inet autoshield { chain inbound { type nat hook prerouting priority dstnat; iifname "lo" return; tcp flags & (fin|syn|rst|ack) == syn redirect to :${INBOUND}; }; }'`)
}
