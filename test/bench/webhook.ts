import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { Authority, createAuthority } from '../../certs/authority.ts'
import type { Credentials } from '../../src/core/identity.ts'
import { podOf, reviewOf } from '../webhook/server/start-webhook.ts'
import type { Figure } from './figure.ts'
import { quantile } from './quantile.ts'
import { postReviews } from './review-load.ts'
import { addedLatency } from './webhook-added.ts'
import type { Start, Started, Told } from './webhook-process.ts'

const POD_BYTES = 6_000
const WARM_UP = 3_000
const REVIEWS = 10_000
const LONG_RUN = { first: 1_000, last: 100_000 } as const

/** A webhook on one core, where the machine has another for the load. */
export class MeasuredWebhook implements AsyncDisposable {
  readonly authorities: string
  #ports: Started = { webhook: 0, noop: 0 }
  readonly #child: ChildProcess
  readonly #credentials: Credentials

  private constructor (host: string) {
    const node = [process.execPath, '--expose-gc', join(import.meta.dirname, 'webhook-process.ts')]
    const [command = '', ...args] = availableParallelism() > 1 ? ['taskset', '--cpu-list', '0', ...node] : node
    const authority = new Authority(createAuthority('autoshield.bench', Date.now()))
    this.authorities = authority.bundle
    this.#credentials = authority.issueWithKey({ identity: { trustDomain: 'autoshield.bench', namespace: 'autoshield', uid: 'webhook' }, ip: [host] }, Date.now())
    this.#child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  }

  static async start (host: string): Promise<MeasuredWebhook> {
    const webhook = new MeasuredWebhook(host)
    webhook.#child.send({ credentials: webhook.#credentials, host } satisfies Start)
    webhook.#ports = await webhook.#said<Started>()
    return webhook
  }

  get ports (): Started { return this.#ports }

  async ask (): Promise<Told> {
    this.#child.send({})
    return this.#said<Told>()
  }

  async [Symbol.asyncDispose] (): Promise<void> {
    this.#child.kill()
    await once(this.#child, 'exit')
  }

  async #said<T> (): Promise<T> {
    const [answer] = await Promise.race([once(this.#child, 'message'), once(this.#child, 'exit')]) as [T | number]
    if (typeof answer === 'number') throw new Error(`the webhook ended with ${answer}`)
    return answer
  }
}

const figure = (name: string, unit: string, value: number, besideName: string, beside: number): Figure =>
  ({ name: `webhook.${name}`, value, unit, beside: { name: besideName, value: beside }, ratio: value / beside })

/** Reviews of a pod of 6 KB over TLS, beside a fastify server over the same TLS that parses them and does nothing. */
export async function webhookFigures (): Promise<Figure[]> {
  const host = '127.0.0.1'
  const body = JSON.stringify(reviewOf(podOf(POD_BYTES)))
  const figures: Figure[] = [await memoryGrowth(host, body)]
  await using webhook = await MeasuredWebhook.start(host)
  const { authorities, ports } = webhook
  const target = (port: number) => ({ host, port, authorities })
  for (const port of [ports.webhook, ports.noop]) await postReviews(target(port), body, { connections: 16, reviews: WARM_UP })
  for (const connections of [1, 16, 64]) {
    const ours = await postReviews(target(ports.webhook), body, { connections, reviews: REVIEWS })
    const noop = await postReviews(target(ports.noop), body, { connections, reviews: REVIEWS })
    figures.push(figure(`p99_ms_${connections}`, 'ms', quantile(ours.latenciesMs, 0.99), 'no-op fastify over TLS', quantile(noop.latenciesMs, 0.99)))
    if (connections === 64) figures.push(figure('requests_per_s', 'reviews/s', ours.perSecond, 'no-op fastify over TLS', noop.perSecond))
  }
  return [...figures, ...await addedLatency()]
}

async function memoryGrowth (host: string, body: string): Promise<Figure> {
  await using webhook = await MeasuredWebhook.start(host)
  const target = { host, port: webhook.ports.webhook, authorities: webhook.authorities }
  await postReviews(target, body, { connections: 16, reviews: LONG_RUN.first })
  const first = await webhook.ask()
  await postReviews(target, body, { connections: 16, reviews: LONG_RUN.last - LONG_RUN.first })
  const last = await webhook.ask()
  return figure('rss_growth_mib', 'MiB', (last.rssBytes - first.rssBytes) / 2 ** 20, 'after 1,000 reviews', first.rssBytes / 2 ** 20)
}
