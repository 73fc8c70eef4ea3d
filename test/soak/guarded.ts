import { explicitProxy, freePort, greeter, stay } from '../xds/laboratory.ts'
import { onLoopback, RealEnvoy } from '../xds/real-envoy.ts'
import { becomes, CLIENT } from '../xds/stage.ts'
import type { FleetIdentities } from '../fleet/simulated-fleet.ts'
import { mitigationOf } from '../xds/mitigation-of.ts'
import type { Mitigation } from '../../src/core/mitigation/mitigation.ts'
import type { ProxySpec } from '../../xds/proxy-spec.ts'

/** Attackers whose denials are looked at from outside; no other restriction concerns them. */
const attacker = (turn: number): string => `127.0.0.${60 + turn % 20}`

const SINCE = /"(?:last_updated|version_info)": "[^"]*",?\s*/g

/** An application behind a real Envoy, with a client that stays connected throughout. */
export class Guarded implements AsyncDisposable {
  readonly uid: string
  readonly spec: ProxySpec
  readonly envoy: RealEnvoy
  readonly #port: number
  readonly #friend: Awaited<ReturnType<typeof stay>>
  readonly #stack: AsyncDisposableStack

  private constructor (parts: { uid: string, spec: ProxySpec, envoy: RealEnvoy, port: number, friend: Awaited<ReturnType<typeof stay>>, stack: AsyncDisposableStack }) {
    this.uid = parts.uid
    this.spec = parts.spec
    this.envoy = parts.envoy
    this.#port = parts.port
    this.#friend = parts.friend
    this.#stack = parts.stack
  }

  /** `known` is told the proxy before its Envoy asks for it. */
  static async start (uid: string, { port: xdsPort, identities, known }: { port: number, identities: FleetIdentities, known: (spec: ProxySpec) => Promise<void> }): Promise<Guarded> {
    await using stack = new AsyncDisposableStack()
    const application = stack.use(await greeter())
    const port = await freePort()
    const spec = explicitProxy(uid, [{ listen: { address: '127.0.0.1', port }, upstream: { address: '127.0.0.1', port: application.port } }])
    await known(spec)
    const envoy = stack.use(await RealEnvoy.start({ podUid: uid, xds: onLoopback(xdsPort), credentials: identities.pod(uid) }))
    await becomes(CLIENT, port, 'served')
    const friend = stack.use(await stay(CLIENT, port))
    return new Guarded({ uid, spec, envoy, port, friend, stack: stack.move() })
  }

  /** The denial of a turn's attacker at these; `verify` sees it, and sees that the one before is gone. */
  static denial (turn: number, guarded: readonly Guarded[]): Mitigation {
    return mitigationOf(`seen-${turn}`, { subject: { uid: 'attacker', addresses: [attacker(turn)] }, victims: guarded.map(({ uid }) => ({ uid, addresses: ['127.0.0.1'] })) })
  }

  /** Rejects where a restriction has no effect, one that was lifted still has, or the client that stays was cut off. */
  async verify (turn: number): Promise<void> {
    await becomes(attacker(turn), this.#port, 'refused')
    await becomes(attacker(turn - 1), this.#port, 'served')
    const echoed = await Promise.race([this.#friend.echo('still here\r\n'), this.#friend.closed.then(() => { throw new Error(`${this.uid}: the client that stays was cut off`) })])
    if (echoed !== 'still here\r\n') throw new Error(`${this.uid}: the client that stays was answered '${echoed}'`)
  }

  /** What it was configured with by xDS, without the times. */
  async configuration (): Promise<string> {
    const dumps = await Promise.all(['dynamic_listeners', 'dynamic_active_clusters', 'dynamic_route_configs'].map((resource) => this.envoy.admin(`/config_dump?resource=${resource}`)))
    return dumps.join('\n').replaceAll(SINCE, '')
  }

  /** Bytes that Envoy's allocator has handed out. */
  async allocatedBytes (): Promise<number> {
    return Number((JSON.parse(await this.envoy.admin('/memory')) as { allocated: string }).allocated)
  }

  async [Symbol.asyncDispose] (): Promise<void> {
    await this.#stack.disposeAsync()
  }
}
