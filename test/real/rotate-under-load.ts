import { X509Certificate } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { Registry } from 'prom-client'
import { requestRotation, SecretAuthority } from '../../certs/secret-authority.ts'
import { ServingCertificate } from '../../certs/serving-certificate.ts'
import { SERVING_SECRET } from '../../certs/serving-secret.ts'
import { openKubernetes } from '../../src/adapters/kubernetes/open-kubernetes.ts'
import { every, systemClock } from '../../src/adapters/standalone/clock.ts'
import { registrationMetrics } from '../../src/controller/registration/metrics.ts'
import { Registration } from '../../src/controller/registration/registration.ts'
import { RESOURCES } from '../../src/core/kubernetes/resource.ts'
import type { KubernetesApi } from '../../src/ports/kubernetes.ts'
import { until } from '../xds/real-envoy.ts'
import { OWN_NAMESPACE } from './installed.ts'

const TRUST_DOMAIN = 'autoshield.local'
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined }
/** Pods that are asked for at one time. */
const AT_ONCE = 6

/** Reviews by the real API server, and how many of them came back without an observer. */
class Load {
  reviews = 0
  missed = 0
  readonly #stop = new AbortController()
  readonly #workers: Promise<unknown>

  constructor (api: KubernetesApi, namespace: string, image: string) {
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { generateName: 'load-', namespace }, spec: { containers: [{ name: 'app', image }] } }
    this.#workers = Promise.all(Array.from({ length: AT_ONCE }, async () => {
      while (!this.#stop.signal.aborted) {
        const { spec } = await api.create(RESOURCES.pods, pod, { dryRun: true })
        this.reviews++
        if (!JSON.stringify(spec).includes('autoshield-observer')) this.missed++
      }
    }))
  }

  async more (reviews: number): Promise<void> {
    for (const wanted = this.reviews + reviews; this.reviews < wanted;) await Promise.race([setTimeout(10), this.#workers])
  }

  async stop (): Promise<void> {
    this.#stop.abort()
    await this.#workers
  }
}

/**
 * Takes the part of the controller (which must not run meanwhile) in certificates and registration, with a root that is
 * trusted for seconds instead of a day before it signs; changes the certificate, then the root, while the API server asks
 * the webhooks of the cluster about one pod after the other.
 */
export async function rotateUnderLoad (kubeconfig: string, namespace: string, image: string): Promise<{ reviews: number, missed: number, certificates: number, roots: number }> {
  using api = openKubernetes({ kubeconfig })
  const stop = new AbortController()
  let promotions = 0
  const authority = new SecretAuthority({ api, namespace: OWN_NAMESPACE, trustDomain: TRUST_DOMAIN, clock: systemClock, rotation: { publishMs: 3_000, settleMs: 0 }, everyMs: 200, onEvent: ({ type }) => { if (type === 'promoted') promotions++ } })
  const serving = new ServingCertificate({ api, authority, trustDomain: TRUST_DOMAIN, namespace: OWN_NAMESPACE, clock: systemClock, everyMs: 200 })
  const registration = new Registration({
    api,
    settings: { revision: 'default', excludedNamespaces: ['kube-system', OWN_NAMESPACE], ownNamespace: OWN_NAMESPACE, backend: { kind: 'service' } },
    bundle: () => serving.bundle(),
    every,
    clock: systemClock,
    random: Math.random,
    metrics: registrationMetrics(new Registry()),
    log: quiet,
  })
  const running = [authority, serving].map(async (part) => part.run(stop.signal))
  await until('the authority', () => { try { return serving.bundle() } catch { return undefined } })
  running.push(registration.run(stop.signal))
  await until('the registration', () => registration.state().kind === 'registered' || undefined)
  const pair = async (): Promise<X509Certificate> => {
    const secret = await api.get(RESOURCES.secrets, SERVING_SECRET, OWN_NAMESPACE) as { data?: Record<string, string> } | null
    return new X509Certificate(Buffer.from(secret?.data?.['tls.crt'] ?? '', 'base64'))
  }
  const load = new Load(api, namespace, image)
  try {
    await load.more(100)
    const first = await pair()
    const renew = async (before: X509Certificate): Promise<X509Certificate> => {
      await api.remove(RESOURCES.secrets, SERVING_SECRET, { namespace: OWN_NAMESPACE })
      const after = await until('another certificate', async () => pair().then((now) => now.serialNumber === before.serialNumber ? undefined : now, () => undefined))
      await load.more(200)
      return after
    }
    const second = await renew(first)
    await requestRotation(api, OWN_NAMESPACE)
    // Trusted first, so that every caBundle has it; then it signs; the certificate that it has not signed yet is renewed at last.
    await until('a root that signs', () => promotions > 0 || undefined)
    const third = await renew(second)
    return { reviews: load.reviews, missed: load.missed, certificates: new Set([first, second, third].map(({ serialNumber }) => serialNumber)).size, roots: new Set([first, third].map(({ issuer }) => issuer)).size }
  } finally {
    await load.stop()
    stop.abort()
    await Promise.all(running)
  }
}
