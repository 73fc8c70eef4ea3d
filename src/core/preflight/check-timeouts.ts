import { type Finding, ok, problem, warning } from './finding.ts'
import { selects } from '../kubernetes/label-selector.ts'
import { seesPods, timeoutOf, type WebhookEntry } from './webhook-entry.ts'

/** kube-apiserver's --request-timeout unless somebody set another, which nobody can ask for. */
export const REQUEST_LIMIT_SECONDS = 60
/** Half: what a client that waits 30 s (most controllers do) would still see. */
const WARN_SECONDS = 30

export interface LabelledNamespace { readonly name: string, readonly labels: Readonly<Record<string, string>> }

/** How long the webhooks of one namespace can hold up a pod at most. */
export interface PodDelay {
  readonly seconds: number
  readonly mutating: readonly WebhookEntry[]
  readonly validating: readonly WebhookEntry[]
}

/**
 * Mutating webhooks are called one after the other, those with reinvocationPolicy IfNeeded once more where a later one
 * changed the pod; validating ones all at once (k8s.io/apiserver, admission/plugin/webhook). What a pod's labels leave
 * out is not known, so every entry counts; of ours exactly one of a configuration can match a pod.
 */
export function podDelay (entries: readonly WebhookEntry[], labels: Readonly<Record<string, string>>): PodDelay {
  const matching = entries.filter((entry) => seesPods(entry) && selects(entry.namespaceSelector, labels))
  const first = matching.filter((entry, at) => !entry.ours || matching.findIndex(({ kind, configuration }) => kind === entry.kind && configuration === entry.configuration) === at)
  const mutating = first.filter(({ kind }) => kind === 'mutating')
  const validating = first.filter(({ kind }) => kind === 'validating')
  const serial = mutating.reduce((sum, entry) => sum + timeoutOf(entry) * (entry.reinvocationPolicy === 'IfNeeded' ? 2 : 1), 0)
  return { seconds: serial + Math.max(0, ...validating.map(timeoutOf)), mutating, validating }
}

/** A creation that runs into the API server's own limit fails, whatever the webhooks' failurePolicy is (kubernetes/kubernetes#128162). */
export function checkTimeouts (entries: readonly WebhookEntry[], namespaces: readonly LabelledNamespace[]): readonly Finding[] {
  const [worst] = namespaces.map((namespace) => ({ namespace, delay: podDelay(entries, namespace.labels) })).toSorted((a, b) => b.delay.seconds - a.delay.seconds)
  if (worst === undefined) return [ok('WebhookTimeouts', 'There is no namespace.')]
  const { namespace, delay: { seconds, mutating, validating } } = worst
  const order = [...mutating.map((entry) => `${entry.name} ${timeoutOf(entry)} s${entry.reinvocationPolicy === 'IfNeeded' ? ' twice' : ''}`),
    ...(validating.length === 0 ? [] : [`then at once ${validating.map((entry) => `${entry.name} ${timeoutOf(entry)} s`).join(', ')}`])].join(', ')
  const message = `Webhooks that hang can hold up the creation of a pod in namespace ${namespace.name} for ${seconds} s at most${order === '' ? '' : ` (${order})`}; the API server gives up after ${REQUEST_LIMIT_SECONDS} s`
  const mend = 'Give the slowest of them a smaller timeoutSeconds, or a namespaceSelector that leaves labelled namespaces out'
  if (seconds >= REQUEST_LIMIT_SECONDS) return [problem('WebhookTimeouts', `${message}, and the pod is refused even where every one of them is ignored.`, `${mend}.`)]
  if (seconds >= WARN_SECONDS) return [warning('WebhookTimeouts', `${message}.`, `${mend}.`)]
  return [ok('WebhookTimeouts', `${message}.`)]
}
