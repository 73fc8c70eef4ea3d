import { decideInjection } from '../../webhook/inject/decide.ts'
import { systemClock } from '../adapters/standalone/clock.ts'
import { askAccounts, askInstaller, type AskedRights } from '../controller/preflight/ask-rights.ts'
import { readCertificates } from '../controller/preflight/read-certificates.ts'
import { readBackEnds, readClocks, readImage, readNamespaces, readReady, readWebhooks } from '../controller/preflight/read-cluster.ts'
import { tryPod } from '../controller/preflight/try-pod.ts'
import { isOurs } from '../controller/registration/configuration.ts'
import { registrationName } from '../controller/registration/registration-objects.ts'
import { WEBHOOK_SERVICE } from '../core/injection/names.ts'
import { AutoshieldError } from '../core/errors.ts'
import { ANNOTATIONS, DEFAULT_REVISION, LABELS } from '../core/injection/names.ts'
import type { InjectionContext } from '../core/injection/settings.ts'
import type { Namespace } from '../core/kubernetes/object.ts'
import { RESOURCES, type Resource } from '../core/kubernetes/resource.ts'
import { checkCertificates } from '../core/preflight/check-certificates.ts'
import { checkClocks } from '../core/preflight/check-clocks.ts'
import { checkRights, checkVersion } from '../core/preflight/check-cluster.ts'
import { checkDeadlock } from '../core/preflight/check-deadlock.ts'
import { checkImage } from '../core/preflight/check-image.ts'
import { checkEndpoints, checkOwnPods, checkRegistered, checkTrial, checkVersions, type OwnPod, readOwnPod, type RegisteredFacts } from '../core/preflight/check-installation.ts'
import { checkLabels, checkPodSecurity, isLabelled, revisionOf } from '../core/preflight/check-namespaces.ts'
import { checkTimeouts } from '../core/preflight/check-timeouts.ts'
import { type CheckCode, type Finding, ok, problem, warning } from '../core/preflight/finding.ts'
import type { WebhookEntry } from '../core/preflight/webhook-entry.ts'
import type { KubernetesApi } from '../ports/kubernetes.ts'
import { readInjectionContext, readVersion } from './installed.ts'

export interface CheckOptions {
  readonly ownNamespace: string
  /** Before the installation: what is not there yet is not looked for. */
  readonly pre: boolean
  /** The observer's image, before the installation. */
  readonly image?: string
}

/** Every check, in the order of CHECKS, each as it is done. Throws UNAVAILABLE where the cluster does not answer. */
export async function * runChecks (api: KubernetesApi, options: CheckOptions): AsyncGenerator<Finding, void> {
  const { ownNamespace, pre, image } = options
  const cluster = await readVersion(api)
  yield checkVersion(cluster)
  const installed = pre ? null : await readInstalled(api, ownNamespace)
  if (pre) yield * await look('Permissions', async () => rightsOf(await askInstaller(api, ownNamespace)))
  if (installed !== null && installed.pods.length > 0) yield * await look('Permissions', async () => rightsOf(await askAccounts(api, ownNamespace)))
  const namespaces = await readNamespaces(api)
  const entries = await readWebhooks(api)
  yield * await look('WebhookTimeouts', async () => checkTimeouts(entries, concerned(namespaces)))
  yield * await look('WebhookDeadlock', async () => checkDeadlock(entries, await readBackEnds(api, entries, namespaces), labelsOf(namespaces, 'kube-system')))
  yield * await look('ClockSkew', async () => checkClocks(await readClocks(api, systemClock, namespaces.some(({ name }) => name === ownNamespace) ? ownNamespace : 'default')))
  yield * checkLabels(namespaces, pre ? null : servedBy(entries))
  if (installed === null) {
    if (image !== undefined) yield * await look('ObserverImage', async () => checkImage(await readImage(api, image, 'IfNotPresent', [])))
  } else if (installed.context === null && installed.pods.length === 0) yield installed.finding // nothing of ours is there: one sentence says it
  else yield * await checkInstalled(api, { ...installed, ownNamespace, namespaces, entries })
}

interface Installed { readonly context: InjectionContext | null, readonly finding: Finding, readonly pods: readonly OwnPod[] }
interface Installation extends Installed { readonly ownNamespace: string, readonly namespaces: readonly Namespace[], readonly entries: readonly WebhookEntry[] }

async function checkInstalled (api: KubernetesApi, { ownNamespace, namespaces, entries, context, finding, pods }: Installation): Promise<readonly Finding[]> {
  const labelled = namespaces.filter(isLabelled)
  const revision = context?.settings.revision ?? DEFAULT_REVISION
  return [
    ...(context === null ? [] : checkPodSecurity(labelled.filter((namespace) => revisionOf(namespace) === revision).map((namespace) => ({ namespace, decision: decideInjection({ pod: ordinaryPod(namespace.name), namespace }, { ...context, authorities: context.authorities || 'none yet' }) })))),
    ...(context === null ? [] : await look('ObserverImage', async () => checkImage(await readImage(api, context.settings.image, context.settings.imagePullPolicy, labelled.map(({ name }) => name))))),
    finding,
    ...checkOwnPods(pods, ownNamespace),
    ...checkVersions(pods, context?.settings.image ?? null),
    ...await look('Certificates', async () => checkCertificates(await readCertificates(api, ownNamespace, entries), systemClock.now())),
    ...await look('WebhookEndpoints', async () => [checkEndpoints(await readReady(api, ownNamespace, WEBHOOK_SERVICE), `${ownNamespace}/${WEBHOOK_SERVICE}`)]),
    ...checkRegistered(await readRegistered(api, revision), namespaces.find(({ name }) => name === ownNamespace)?.annotations[ANNOTATIONS.webhooks] === 'off', ownNamespace),
    ...await look('WebhookAnswers', async () => [checkTrial(await tryPod(api, { namespace: trialNamespace(labelled, revision), revision, nowMs: systemClock.now }))]),
  ]
}

/** A check that may not look says so, and the others go on. */
async function look (check: CheckCode, find: () => Promise<readonly Finding[]>): Promise<readonly Finding[]> {
  try {
    return await find()
  } catch (thrown) {
    const error = AutoshieldError.from(thrown)
    if (error.code === 'UNAVAILABLE' || error.code === 'INTERNAL') throw thrown
    return [warning(check, `This could not be looked at: ${error.message}`, 'Repeat the check with the rights of a cluster administrator.')]
  }
}

const rightsOf = ({ missing, asked }: AskedRights): readonly Finding[] => checkRights(missing, asked)
const labelsOf = (namespaces: readonly Namespace[], name: string): Namespace['labels'] => namespaces.find((namespace) => namespace.name === name)?.labels ?? {}

/** Where pods would be injected; before anybody labelled one, what a namespace would be like. */
function concerned (namespaces: readonly Namespace[]): readonly Pick<Namespace, 'name' | 'labels'>[] {
  const labelled = namespaces.filter(isLabelled)
  return labelled.length > 0 ? labelled : [{ name: 'default, were it labelled', labels: { ...labelsOf(namespaces, 'default'), [LABELS.injection]: 'enabled' } }]
}

const servedBy = (entries: readonly WebhookEntry[]): ReadonlySet<string> =>
  new Set(entries.flatMap(({ ours, kind, configuration }) => ours && kind === 'mutating' ? [configuration.replace(/^autoshield-/, '')] : []))

async function readInstalled (api: KubernetesApi, ownNamespace: string): Promise<Installed> {
  const pods = (await api.list(RESOURCES.pods, { namespace: ownNamespace, labelSelector: 'app.kubernetes.io/name=autoshield' })).flatMap((pod) => readOwnPod(pod) ?? [])
  try {
    const context = await readInjectionContext(api, ownNamespace)
    return { pods, context, finding: ok('Installed', `Namespace ${ownNamespace} has the settings of revision ${context.settings.revision}.`) }
  } catch (thrown) {
    const error = AutoshieldError.from(thrown)
    if (error.code !== 'NOT_FOUND' && error.code !== 'BAD_DATA' && error.code !== 'UNTRUSTED') throw thrown
    return { pods, context: null, finding: problem('Installed', error.message, 'Correct the chart\'s values and upgrade; before the installation use autoshield check --pre.') }
  }
}

async function readRegistered (api: KubernetesApi, revision: string): Promise<readonly RegisteredFacts[]> {
  const kinds: readonly Resource[] = [RESOURCES.mutatingWebhooks, RESOURCES.validatingWebhooks]
  return Promise.all(kinds.map(async (resource) => {
    const object = await api.get(resource, registrationName(revision))
    return { kind: resource.kind, name: registrationName(revision), found: object === null ? 'missing' as const : isOurs(object) ? 'ours' as const : 'foreign' as const }
  }))
}

const ordinaryPod = (namespace: string): Parameters<typeof decideInjection>[0]['pod'] =>
  ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'ordinary', namespace }, spec: { containers: [{ name: 'app', image: 'app:1' }] } })

const trialNamespace = (labelled: readonly Namespace[], revision: string): string => labelled.find((namespace) => revisionOf(namespace) === revision)?.name ?? 'default'
