import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Mitigation } from '../../src/core/mitigation/mitigation.ts'
import type { Detection } from '../../src/core/verdict/detection.ts'
import { readCredentials } from '../../certs/credential-folder.ts'
import { Lab } from '../lab/lab.ts'
import { GATEWAY, LabLoop, PORTS } from '../lab/loop.ts'
import type { Pod } from '../lab/pod.ts'
import { startApp } from '../lab/servers/servers.ts'
import type { Running } from '../program.ts'
import { RealEnvoy, until } from '../xds/real-envoy.ts'

/** An application on 127.0.0.1:8080 in effect: from other pods the port is closed, as it is where a redirect guards it. */
export async function guardedApp (victim: Pod): Promise<void> {
  await startApp(victim, { http: [8080] })
  await victim.must(`nft add table inet guard
    nft add chain inet guard input '{ type filter hook input priority 0; }'
    nft add rule inet guard input iifname eth0 tcp dport 8080 reject with tcp reset`)
}

/**
 * A laboratory with the whole product in it, nothing replaced: `autoshield up` on the gateway, an observer with live capture in
 * every pod, and a real Envoy in front of the victim's application on port 80.
 */
export class ShieldedLab implements AsyncDisposable {
  readonly lab: Lab
  readonly envoy: RealEnvoy
  readonly #loop: LabLoop
  /** The data folder of the running loop. */
  readonly data: string
  readonly until = until
  readonly #stack: AsyncDisposableStack

  private constructor (lab: Lab, loop: LabLoop, data: string, envoy: RealEnvoy, stack: AsyncDisposableStack) {
    this.lab = lab
    this.#loop = loop
    this.data = data
    this.envoy = envoy
    this.#stack = stack
  }

  /** `serve` starts the application in the victim's pod on 127.0.0.1:8080 and resolves when it answers. */
  static async start (others: readonly string[], serve: (victim: Pod) => Promise<void>): Promise<ShieldedLab> {
    const stack = new AsyncDisposableStack()
    try {
      const names = ['victim', ...others]
      const lab = stack.use(await Lab.start({ pods: names.map((name, at) => ({ name, address: `10.66.0.${10 + at}` })) }))
      const victim = lab.pod('victim')
      await serve(victim)

      const data = join(lab.folder, 'autoshield')
      await mkdir(data, { recursive: true })
      const proxyFile = join(data, 'proxies.json')
      await writeFile(proxyFile, JSON.stringify([{
        podUid: 'victim', inbound: { mode: 'explicit', ports: [{ listen: { address: victim.address, port: 80 }, upstream: { address: '127.0.0.1', port: 8080 } }] },
      }]))
      const loop = stack.use(await LabLoop.start(lab, { data, observed: lab.pods, args: ['--proxies', proxyFile], actuation: true }))
      const envoy = stack.use(await RealEnvoy.start({
        podUid: 'victim', xds: { host: GATEWAY, port: PORTS.xds, name: GATEWAY }, credentials: await readCredentials(join(data, 'identities', 'victim')), networkOf: victim.pid,
      }))
      await victim.listening(80)
      return new ShieldedLab(lab, loop, data, envoy, stack.move())
    } catch (error) {
      await stack.disposeAsync()
      throw error
    }
  }

  /** The HTTP status that `pod` gets from the victim, or null where its connection is refused or cut. */
  async get (pod: string, path = '/'): Promise<number | null> {
    const { stdout } = await this.lab.pod(pod).run(`curl -s -o /dev/null -w '%{http_code}' -m 3 http://${this.lab.pod('victim').address}${path}`)
    return stdout === '000' ? null : Number(stdout)
  }

  get up (): Running { return this.#loop.up }

  async api<T> (path: string, ...more: readonly string[]): Promise<T> {
    return this.#loop.api<T>(path, ...more)
  }

  /** The mitigation that restricts `pod` in front of the victim, once Envoy has taken it. */
  async programmed (pod: string, deadlineMs = 60_000): Promise<{ mitigation: Mitigation, detection: Detection }> {
    const { address } = this.lab.pod(pod)
    const mitigation = await until(`a mitigation of ${pod} is programmed`, async () => {
      const { items } = await this.api<{ items: Mitigation[] }>('/mitigations')
      return items.find(({ spec, status }) => spec.subject !== 'anySource' && spec.subject.addresses.includes(address) &&
        status.phase === 'active' && status.targets.some(({ target, state }) => target === 'proxy/victim' && state === 'programmed'))
    }, deadlineMs).catch((error: unknown) => { throw new Error(`${String(error)}\n${this.up.stdout}`) })
    return { mitigation, detection: await this.api<Detection>(`/detections/${mitigation.spec.detection}`) }
  }

  async revert (mitigation: string, reason: string): Promise<Mitigation> {
    return this.api<Mitigation>(`/mitigations/${mitigation}/revert`, '-H', 'content-type: application/json', '-d', JSON.stringify({ reason }))
  }

  async [Symbol.asyncDispose] (): Promise<void> {
    await this.#stack.disposeAsync()
  }
}
