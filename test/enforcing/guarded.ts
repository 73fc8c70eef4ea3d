import { join } from 'node:path'
import type { Test } from 'tap'
import type { Mitigation } from '../../src/core/mitigation/mitigation.ts'
import type { Decision } from '../../src/core/policy/decision.ts'
import type { Detection } from '../../src/core/verdict/detection.ts'
import { install, OWN_NAMESPACE, type Installed } from '../real/installed.ts'
import type { TestCluster } from '../real/cluster/test-cluster.ts'
import { until } from '../xds/real-envoy.ts'
import { portForward } from './port-forward.ts'

/** Ports of the controller, on loopback in its pod. */
const [API, METRICS] = [8000, 9090]
const FOUND_WITHIN_MS = 60_000

/** Nothing but the check that a test is about should hold an action back. */
const ROOMY = { 'safety.actionsPerMinute': '1000', 'safety.budgets.rule': '1000', 'safety.budgets.target': '1000', 'safety.budgets.source': '1000', 'safety.maxShareOfWorkload': '1', 'safety.maxShareOfTraffic': '1', 'safety.unfamiliarTraffic': 'act' }

/** What was decided about a detection. */
export interface Ruled { readonly detection: Detection, readonly decision: Decision }

interface AuditEntry { readonly actor: string, readonly action: string, readonly object: string, readonly reason: string, readonly detail: unknown }

/** AutoShield as Helm installs it, acting, on a cluster that enforces; and what it says of itself. */
export class Guarded {
  readonly installed: Installed
  readonly #programs: string
  readonly #t: Test
  #ports: Promise<readonly number[]>

  private constructor (t: Test, installed: Installed, programs: string) {
    this.#t = t
    this.installed = installed
    this.#programs = programs
    this.#ports = this.forward('controller', API, METRICS)
  }

  /** `rules`: the policy file's text. `more`: further values of the chart. */
  static async start (t: Test, cluster: TestCluster, rules: string, more: Readonly<Record<string, string>> = {}): Promise<Guarded> {
    const installed = await install(t, { 'controller.actuation': 'true', 'webhook.replicas': '1', 'xds.replicas': '1', policy: rules, ...ROOMY, ...more }, cluster)
    const guarded = new Guarded(t, installed, cluster.programs)
    await until('the loop is ready', async () => (await guarded.api<{ ready: boolean }>('/status')).ready || undefined, FOUND_WITHIN_MS)
    return guarded
  }

  /** To be called when the controller's pod is another. */
  reconnect (): void { this.#ports = this.forward('controller', API, METRICS) }

  /** An answer by one of the controller's ports. The way there may be laid anew just now, so who reaches nobody asks again. */
  async #ask (port: 0 | 1, path: string, init: RequestInit = {}): Promise<Response> {
    return until(`the controller answers ${path}`, async () => fetch(`http://127.0.0.1:${(await this.#ports)[port] ?? 0}${path}`, init).catch((error: unknown) => {
      const { code = '' } = (error as { cause?: NodeJS.ErrnoException }).cause ?? {}
      if (code === 'ECONNREFUSED' || (init.method === undefined && ['ECONNRESET', 'UND_ERR_SOCKET'].includes(code))) return undefined
      throw error
    }))
  }

  async api<T> (path: string, body?: object): Promise<T> {
    const answer = await this.#ask(0, `/api/v1${path}`, body === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
    return await answer.json() as T
  }

  /** The value of one of the controller's metrics; 0 where it is not counted yet. */
  async metric (name: string, labels: Readonly<Record<string, string>>): Promise<number> {
    const text = await (await this.#ask(1, '/metrics')).text()
    const line = text.split('\n').find((one) => one.startsWith(`${name}{`) && Object.entries(labels).every(([label, value]) => one.includes(`${label}="${value}"`)))
    return Number(line?.split(' ').at(-1) ?? 0)
  }

  /** What was decided about detections whose ends are these addresses, newest first. */
  async rulings (source: string | null, target: string | null): Promise<Ruled[]> {
    const [{ items: detections }, { items: decisions }] = await Promise.all([this.api<{ items: Detection[] }>('/detections?limit=500'), this.api<{ items: Decision[] }>('/decisions?limit=500')])
    return decisions.flatMap((decision) => detections.flatMap((detection) =>
      detection.id === decision.detection && (detection.source?.address ?? null) === source && (detection.target?.address ?? null) === target ? [{ detection, decision }] : []))
  }

  /** Attacks again and again until it is decided on as `wanted`. */
  async ruled (source: string | null, target: string | null, wanted: Partial<Pick<Decision, 'verdict' | 'reason'>>, attack: () => Promise<unknown>): Promise<Ruled> {
    let last: readonly Ruled[] = []
    return until(() => `${source ?? 'any'} to ${target ?? 'any'}: ${JSON.stringify(wanted)}; it was ${last.map(({ decision: { verdict, reason, message } }) => `${verdict} ${reason}: ${message}`).join('; ')}`, async () => {
      await attack()
      last = await this.rulings(source, target)
      return last.find(({ decision }) => Object.entries(wanted).every(([field, value]) => decision[field as keyof typeof wanted] === value))
    }, FOUND_WITHIN_MS)
  }

  async mitigations (): Promise<readonly Mitigation[]> { return (await this.api<{ items: Mitigation[] }>('/mitigations?limit=500')).items }

  /** Waits for a condition of a mitigation. */
  async becomes (name: string, type: Mitigation['status']['conditions'][number]['type'], status: string): Promise<Mitigation> {
    let last: Mitigation | undefined
    return until(() => `${name} is ${type}=${status}: ${JSON.stringify(last?.status)}`, async () => {
      last = await this.api<Mitigation>(`/mitigations/${name}`)
      return last.status.conditions.some((condition) => condition.type === type && condition.status === status) ? last : undefined
    }, FOUND_WITHIN_MS)
  }

  async audit (query: Readonly<Record<string, string>>): Promise<readonly AuditEntry[]> {
    return (await this.api<{ items: AuditEntry[] }>(`/audit?${new URLSearchParams({ limit: '500', ...query }).toString()}`)).items
  }

  /** Ports on this machine's loopback that lead to these of a part, until the test ends. */
  async forward (part: 'controller' | 'detector', ...wanted: readonly number[]): Promise<readonly number[]> {
    return portForward(this.#t, [join(this.#programs, 'kubectl'), '--kubeconfig', this.installed.kubeconfig, '-n', OWN_NAMESPACE, 'port-forward', `deploy/autoshield-${part}`], wanted)
  }
}
