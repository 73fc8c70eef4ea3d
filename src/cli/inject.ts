import { type Command, InvalidArgumentError, Option } from 'commander'
import { applyInjection } from '../../webhook/inject/apply.ts'
import { decideInjection } from '../../webhook/inject/decide.ts'
import { patchOf } from '../../webhook/inject/patch.ts'
import { parseInjectionSettings } from '../../webhook/inject/settings-file.ts'
import type { InjectionDecision } from '../core/injection/decision.ts'
import { LABELS } from '../core/injection/names.ts'
import { type InjectionContext, NATIVE_SIDECAR_MINOR } from '../core/injection/settings.ts'
import type { KubernetesObject, Namespace } from '../core/kubernetes/object.ts'
import { type CliContext, EXIT, verb } from './context.ts'
import { type Edit, type ManifestDocument, readManifest, type Subject } from './manifest.ts'
import { plain } from './output.ts'
import { readInput } from './read-input.ts'

export interface NamespaceFlags { namespace: string, namespaceLabel: readonly (readonly [string, string])[], namespaceFile?: string }
interface Flags extends NamespaceFlags { filename: string, settings: string, authorities: string, clusterVersion: InjectionContext['cluster'] }

export function injectCommand (context: CliContext, done: (status: number) => void): Command {
  return namespaceOptions(verb('inject', 'put the observer into a manifest, as the webhook would', [
    'autoshield inject -f web.yaml --settings injection.yaml --authorities ca.pem | kubectl apply -f -',
    'helm template shop ./chart | autoshield inject -f - --settings injection.yaml --authorities ca.pem > shop.yaml',
  ]).addOption(filenameOption().makeOptionMandatory())
    .requiredOption('--settings <file>', 'settings of injection (key injection.yaml of ConfigMap autoshield-injection)')
    .requiredOption('--authorities <file>', 'certificate authorities that the observer believes (PEM)')
    .addOption(clusterVersionOption()))
    .addHelpText('after', '\nWhat is not injected passes through unchanged; what was done to each workload, and why, is told on stderr.\n')
    .action(async ({ filename, settings, authorities, clusterVersion, ...flags }: Flags) => {
      const injection = { settings: parseInjectionSettings(await readInput(settings), settings), authorities: await readInput(authorities), cluster: clusterVersion }
      const documents = readManifest(await readInput(filename), nameOf(filename))
      const namespaceOf = await namespacesFor(documents, flags)
      for (const document of documents) {
        const edits = document.subjects.map((subject): Edit => {
          const decision = decideInjection({ pod: subject.pod, namespace: namespaceOf(subject) }, injection)
          context.stderr.write(describe(subject, decision))
          return { subject, operations: decision.kind === 'skip' ? [] : patchOf(subject.pod, applyInjection(subject.pod, decision, injection)) }
        })
        context.stdout.write(document.print(edits))
      }
      done(EXIT.ok)
    })
}

export const filenameOption = (): Option => new Option('-f, --filename <file>', 'manifest, one document or many; - is standard input')

export const clusterVersionOption = (): Option =>
  new Option('--cluster-version <1.N>', 'Kubernetes version that the manifest is for').argParser(clusterVersion).default({ major: 1, minor: NATIVE_SIDECAR_MINOR }, `1.${NATIVE_SIDECAR_MINOR}`)

/** Says what is known of namespaces where there is no cluster to ask. */
export function namespaceOptions (command: Command): Command {
  return command
    .addOption(new Option('-n, --namespace <name>', 'namespace of what names none').default('default'))
    .addOption(new Option('--namespace-label <key=value>', 'a label of the namespaces; repeat it for more').argParser(label).default([], 'autoshield.dev/injection=enabled, unless the manifest holds the Namespace'))
    .option('--namespace-file <file>', 'manifest with the Namespace objects')
}

/** The namespace of each subject: from the file of namespaces, else from the manifest itself, else one that asks for injection; labels by flag go on top. */
export async function namespacesFor (documents: readonly ManifestDocument[], { namespace, namespaceLabel, namespaceFile }: NamespaceFlags): Promise<(subject: Subject) => Namespace> {
  const files = namespaceFile === undefined ? [] : readManifest(await readInput(namespaceFile), nameOf(namespaceFile))
  const known = new Map([...documents, ...files].flatMap(({ namespaces }) => namespaces).map((object) => [object.metadata.name, object]))
  return (subject) => {
    const name = subject.namespace ?? namespace
    const { labels = {}, annotations = {} }: Partial<KubernetesObject['metadata']> = known.get(name)?.metadata ?? { labels: { [LABELS.injection]: 'enabled' } }
    return { name, labels: { ...labels, ...Object.fromEntries(namespaceLabel) }, annotations }
  }
}

function describe ({ kind, name, namespace }: Subject, decision: InjectionDecision): string {
  const what = `${kind} ${namespace === null ? '' : `${namespace}/`}${name}`
  const line = decision.kind === 'inject'
    ? `${what}: ${decision.reason}: ${decision.profile.source} as ${decision.profile.form === 'native' ? 'native sidecar' : 'ordinary container'}: ${decision.profile.why} (${decision.decidedBy})`
    : `${what}: skipped: ${decision.reason}: ${decision.message} ${decision.mend} (${decision.decidedBy})`
  return [line, ...decision.findings.map(({ code, message }) => `  finding ${code}: ${message}`)].map((text) => `${plain(text)}\n`).join('')
}

export const nameOf = (file: string): string => file === '-' ? 'standard input' : file

function clusterVersion (text: string): InjectionContext['cluster'] {
  const match = /^v?([0-9]+)\.([0-9]+)/.exec(text)
  if (match === null) throw new InvalidArgumentError('Write it as 1.34.')
  return { major: Number(match[1]), minor: Number(match[2]) }
}

function label (text: string, before: readonly (readonly [string, string])[]): readonly (readonly [string, string])[] {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('Write it as key=value.')
  return [...before, [text.slice(0, at), text.slice(at + 1)]]
}
