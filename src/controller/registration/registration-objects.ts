import { AUDITED_RULES } from '../../core/admission/audited.ts'
import { LABELS, MANAGED_BY, WEBHOOK_SERVICE } from '../../core/injection/names.ts'
import type { InjectionSettings } from '../../core/injection/settings.ts'
import { apiVersionOf, RESOURCES } from '../../core/kubernetes/resource.ts'
import { auditConditions, INJECTION_CONDITIONS } from './match-conditions.ts'
import { injectionScopes, type LabelRequirement } from './selectors.ts'

/** Where the API server finds the webhook: its Service in our namespace, or a URL (`https://HOST:PORT`) in development. */
export type WebhookBackend = { readonly kind: 'service' } | { readonly kind: 'url', readonly url: string }

export interface RegistrationSettings extends Pick<InjectionSettings, 'revision' | 'excludedNamespaces'> {
  readonly ownNamespace: string
  readonly backend: WebhookBackend
}

export const registrationName = (revision: string): string => `autoshield-${revision}`

/**
 * How long the API server waits for us, in seconds. Reviews are answered in milliseconds; what takes longer has failed,
 * and the pod goes on without us. A webhook that hangs costs a pod's creation 2 s, 2 s more where it is asked again behind
 * another injector, and 2 s at the audit: far from the request's limit of 60 s, whatever other webhooks there are. The
 * audit gets no less: what passes unanswered passes unseen. It gets no more: it stands in the way of deletions, too.
 */
export const INJECTION_TIMEOUT_SECONDS = 2
export const AUDIT_TIMEOUT_SECONDS = 2

/** A node's own business; whatever the settings say, nothing is injected there. */
const ALWAYS_EXCLUDED = ['kube-system', 'kube-node-lease']

/** All that one entry of either kind says, defaults too, so that what somebody else changes of it is seen and taken back. */
export interface WebhookEntry {
  readonly name: string
  readonly matchConditions: readonly { readonly name: string }[]
  readonly [field: string]: unknown
}
export interface WebhookConfiguration {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string, readonly labels: Readonly<Record<string, string>> }
  readonly webhooks: readonly WebhookEntry[]
}

/** What is registered for one revision; `bundle` is the PEM of every authority that may have signed the serving certificate. */
export function registrationObjects (settings: RegistrationSettings, bundle: string): { readonly mutating: WebhookConfiguration, readonly validating: WebhookConfiguration } {
  return {
    mutating: { apiVersion: apiVersionOf(RESOURCES.mutatingWebhooks), kind: RESOURCES.mutatingWebhooks.kind, metadata: metadata(settings), webhooks: injectionEntries(settings, bundle) },
    validating: { apiVersion: apiVersionOf(RESOURCES.validatingWebhooks), kind: RESOURCES.validatingWebhooks.kind, metadata: metadata(settings), webhooks: [auditEntry(settings, bundle)] },
  }
}

const metadata = ({ revision }: RegistrationSettings): WebhookConfiguration['metadata'] =>
  ({ name: registrationName(revision), labels: { [LABELS.managedBy]: MANAGED_BY, [LABELS.revision]: revision } })

/** Nothing of ours may keep a pod from starting: every entry is ignored where it fails. */
const COMMON = { admissionReviewVersions: ['v1'], failurePolicy: 'Ignore', matchPolicy: 'Equivalent' }

function injectionEntries (settings: RegistrationSettings, bundle: string): readonly WebhookEntry[] {
  const { revision, excludedNamespaces, ownNamespace } = settings
  const excluded = [...new Set([...ALWAYS_EXCLUDED, ownNamespace, ...excludedNamespaces])].sort()
  return injectionScopes(revision, excluded).map(({ name, namespace, pod }) => ({
    name: `${name}.inject.autoshield.dev`,
    ...COMMON,
    clientConfig: clientConfig(settings, '/inject', bundle),
    // Ephemeral containers are a subresource, so a rule for pods leaves them out.
    rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'], scope: 'Namespaced' }],
    namespaceSelector: selector(namespace),
    objectSelector: selector(pod),
    matchConditions: INJECTION_CONDITIONS,
    reinvocationPolicy: 'IfNeeded',
    sideEffects: 'NoneOnDryRun',
    timeoutSeconds: INJECTION_TIMEOUT_SECONDS,
  }))
}

/**
 * Every revision audits the whole cluster, whatever its labels are: a namespace whose label is changed is matched by its
 * new labels, so that an audit that follows labels could be evaded by naming a revision that nobody serves.
 */
const auditEntry = (settings: RegistrationSettings, bundle: string): WebhookEntry => ({
  name: 'audit.autoshield.dev',
  ...COMMON,
  clientConfig: clientConfig(settings, '/audit', bundle),
  rules: AUDITED_RULES.map((rule) => ({ ...rule, scope: '*' })),
  namespaceSelector: {},
  objectSelector: {},
  matchConditions: auditConditions(settings.ownNamespace),
  sideEffects: 'NoneOnDryRun',
  timeoutSeconds: AUDIT_TIMEOUT_SECONDS,
})

function clientConfig ({ backend, ownNamespace }: RegistrationSettings, path: string, bundle: string): object {
  const caBundle = Buffer.from(bundle).toString('base64')
  switch (backend.kind) {
    case 'service': return { caBundle, service: { namespace: ownNamespace, name: WEBHOOK_SERVICE, port: 443, path } }
    case 'url': return { caBundle, url: `${backend.url}${path}` }
  }
}

const selector = (matchExpressions: readonly LabelRequirement[]): object => matchExpressions.length === 0 ? {} : { matchExpressions }
