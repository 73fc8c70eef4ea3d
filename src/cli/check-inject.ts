import type { Command } from 'commander'
import { decideInjection } from '../../webhook/inject/decide.ts'
import { parseInjectionSettings } from '../../webhook/inject/settings-file.ts'
import type { AdmissionFinding } from '../core/admission/entry.ts'
import { AutoshieldError } from '../core/errors.ts'
import type { InjectionDecision, SkipReason } from '../core/injection/decision.ts'
import { LABELS } from '../core/injection/names.ts'
import type { InjectionContext } from '../core/injection/settings.ts'
import type { KubernetesObject, Namespace } from '../core/kubernetes/object.ts'
import { RESOURCES } from '../core/kubernetes/resource.ts'
import type { ReasonCode } from '../core/reason.ts'
import type { KubernetesApi } from '../ports/kubernetes.ts'
import { type CliContext, EXIT, verb } from './context.ts'
import { clusterVersionOption, filenameOption, nameOf, namespaceOptions, type NamespaceFlags, namespacesFor } from './inject.ts'
import { readInjectionContext } from './installed.ts'
import { type KubernetesFlags, kubernetesOptions, openFrom } from './kubernetes-option.ts'
import { readManifest, type Subject } from './manifest.ts'
import { type Column, outputOption, type OutputFormat, RowPrinter } from './output.ts'
import { readInput } from './read-input.ts'

/** One pod or template: whether it is observed, and what settled that. */
export interface Answer {
  readonly kind: string
  readonly namespace: string
  readonly name: string
  /** `will be`: its pods get an observer when they are created. */
  readonly observed: 'yes' | 'will be' | 'no'
  readonly reason: ReasonCode
  readonly decidedBy: string
  readonly message: string
  readonly mend: string
  readonly findings: readonly AdmissionFinding[]
  /** It should be observed and is not: the verb ends with 79. */
  readonly amiss: boolean
}

const COLUMNS: readonly Column<Answer>[] = [
  { title: 'KIND', of: ({ kind }) => kind },
  { title: 'NAMESPACE', of: ({ namespace }) => namespace },
  { title: 'NAME', of: ({ name }) => name },
  { title: 'OBSERVED', of: ({ observed }) => observed },
  { title: 'REASON', of: ({ reason }) => reason },
  { title: 'DECIDED BY', of: ({ decidedBy }) => decidedBy },
  { title: 'WHY', of: ({ message, findings }) => [message, ...findings.map(({ code, message }) => `${code}: ${message}`)].join(' ') },
  { title: 'MEND', of: ({ mend }) => mend },
]

/** Reasons that leave a pod without an observer against somebody's wish; the others are what somebody wanted, or cannot be otherwise. */
const AGAINST_WISH: ReadonlySet<SkipReason> = new Set(['NameTaken', 'NotReady', 'NamespaceUnknown', 'BadAnnotation', 'WouldNotEnd', 'PodSecurity', 'MalformedPod', 'TooLarge'])

interface Flags extends NamespaceFlags, KubernetesFlags { filename?: string, settings?: string, clusterVersion: InjectionContext['cluster'], autoshieldNamespace: string, output: OutputFormat }

export function checkInjectCommand (context: CliContext, done: (status: number) => void): Command {
  return kubernetesOptions(namespaceOptions(verb('check-inject', 'why a pod is observed or not, which label decided it, and the mend', [
    'autoshield check-inject pod web-7d9f -n shop',
    'autoshield check-inject deployment web -n shop -o json',
    'autoshield check-inject -f web.yaml',
    'autoshield check-inject -f web.yaml --settings injection.yaml --namespace-label autoshield.dev/injection=required',
  ]).argument('[kind]', 'pod or deployment').argument('[name]', 'its name')
    .addOption(filenameOption())
    .option('--settings <file>', 'ask this file, and no cluster (with --filename)')
    .option('--autoshield-namespace <name>', 'where AutoShield is installed', 'autoshield')
    .addOption(clusterVersionOption())
    .addOption(outputOption())))
    .addHelpText('after', 'Exit status 79 where something that should be observed is not.\n')
    .action(async (kind: string | undefined, name: string | undefined, flags: Flags) => {
      const printer = new RowPrinter(context.stdout, flags.output, COLUMNS)
      const answers = await answersFor(context, kind, name, flags)
      for (const answer of answers) await printer.print(answer)
      await printer.end('no pod and no template of one is there')
      done(answers.some(({ amiss }) => amiss) ? EXIT.findings : EXIT.ok)
    })
}

async function answersFor (context: CliContext, kind: string | undefined, name: string | undefined, flags: Flags): Promise<readonly Answer[]> {
  const { filename, settings, clusterVersion, autoshieldNamespace, namespace } = flags
  if ((filename === undefined) === (kind === undefined || name === undefined)) throw new AutoshieldError('USAGE', 'name either a manifest (-f FILE) or an object (pod NAME, deployment NAME).')
  if (filename !== undefined && settings !== undefined) {
    // Without a cluster nobody knows its authorities; that they are there is taken for granted.
    return await checkFile(filename, flags, { settings: parseInjectionSettings(await readInput(settings), settings), authorities: '(of the cluster)', cluster: clusterVersion })
  }
  using api = openFrom(context, flags)
  const injection = await readInjectionContext(api, autoshieldNamespace)
  if (filename !== undefined) return await checkFile(filename, flags, injection, api)
  return await checkLive(api, injection, kind ?? '', name ?? '', namespace)
}

async function checkFile (filename: string, flags: Flags, injection: InjectionContext, api?: KubernetesApi): Promise<readonly Answer[]> {
  const documents = readManifest(await readInput(filename), nameOf(filename))
  const offline = await namespacesFor(documents, flags)
  const answers: Answer[] = []
  for (const subject of documents.flatMap(({ subjects }) => subjects)) {
    const live = api === undefined ? null : await findNamespace(api, subject.namespace ?? flags.namespace)
    answers.push(answerTo(subject, live ?? offline(subject), injection))
  }
  return answers
}

/** A pod as it runs; or what a Deployment's next pods will be, and each pod that it has now. */
async function checkLive (api: KubernetesApi, injection: InjectionContext, kind: string, name: string, namespace: string): Promise<readonly Answer[]> {
  const resource = kind === 'pod' ? RESOURCES.pods : kind === 'deployment' ? RESOURCES.deployments : null
  if (resource === null) throw new AutoshieldError('USAGE', `check-inject knows pod and deployment, not ${kind}; give anything else as a manifest: kubectl get ${kind} NAME -o yaml | autoshield check-inject -f -`)
  const object = await api.get(resource, name, namespace)
  if (object === null) throw new AutoshieldError('NOT_FOUND', `namespace ${namespace} has no ${kind} ${name}; name one that it has, or another namespace with -n.`)
  const of = await findNamespace(api, namespace)
  const subjects = readManifest(JSON.stringify(object), `${kind} ${name}`).flatMap(({ subjects }) => subjects)
  if (kind === 'pod') return subjects.map((subject) => answerTo(subject, of, injection, true))
  const labelSelector = selectorOf(object)
  const pods = labelSelector === null ? [] : await api.list(RESOURCES.pods, { namespace, labelSelector })
  return [
    ...subjects.map((subject) => answerTo(subject, of, injection)),
    ...pods.map((pod) => answerTo({ kind: 'Pod', name: pod.metadata.name, namespace, pod, path: [] }, of, injection, true)),
  ]
}

async function findNamespace (api: KubernetesApi, name: string): Promise<Namespace | null> {
  const object = await api.get(RESOURCES.namespaces, name)
  return object === null ? null : { name, labels: object.metadata.labels ?? {}, annotations: object.metadata.annotations ?? {} }
}

/** Null where the Deployment selects by more than labels. */
function selectorOf (deployment: KubernetesObject): string | null {
  const { spec } = deployment as { readonly spec?: { readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>>, readonly matchExpressions?: unknown } } }
  const { matchLabels, matchExpressions } = spec?.selector ?? {}
  return matchLabels === undefined || matchExpressions !== undefined ? null : Object.entries(matchLabels).map(([label, value]) => `${label}=${value}`).join(',')
}

function answerTo ({ kind, name, namespace, pod }: Subject, of: Namespace | null, injection: InjectionContext, runs = false): Answer {
  const decision = decideInjection({ pod, namespace: of }, injection)
  const { decidedBy, findings } = decision
  return { kind, namespace: of?.name ?? namespace ?? '', name, decidedBy, findings, ...verdictOn(decision, runs, isWanted(pod, of)) }
}

function verdictOn (decision: InjectionDecision, runs: boolean, wanted: boolean): Pick<Answer, 'observed' | 'reason' | 'message' | 'mend' | 'amiss'> {
  if (decision.kind === 'skip') {
    const { reason, message, mend } = decision
    return { observed: reason === 'AlreadyInjected' ? 'yes' : 'no', reason, message, mend, amiss: wanted && AGAINST_WISH.has(reason) }
  }
  const { profile: { source, form, why }, reason, findings } = decision
  const how = `${source} as ${form === 'native' ? 'native sidecar' : 'ordinary container'}: ${why}.`
  if (!runs) return { observed: 'will be', reason, message: how, mend: 'Nothing is to be done.', amiss: false }
  const mend = 'Restart the pod\'s workload: kubectl rollout restart, or autoshield restart.'
  if (reason === 'Injected') return { observed: 'no', reason: 'Missed', message: 'the pod runs without an observer: it was created before its namespace was labelled, or while the webhook was away.', mend, amiss: true }
  const changed = findings.some(({ code }) => code === 'ObserverChanged')
  return { observed: changed ? 'no' : 'yes', reason: 'Stale', message: changed ? 'the observer is not as AutoShield makes it.' : 'the observer is of older settings.', mend, amiss: changed }
}

const isWanted = ({ metadata }: KubernetesObject, namespace: Namespace | null): boolean =>
  ['enabled', 'required'].includes(namespace?.labels[LABELS.injection] ?? '') || metadata.labels?.[LABELS.inject] === 'true'
