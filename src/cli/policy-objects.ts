import { basename } from 'node:path'
import type { Command } from 'commander'
import { stringify } from 'yaml'
import { AutoshieldError } from '../core/errors.ts'
import type { KubernetesObject } from '../core/kubernetes/object.ts'
import { isRecord } from '../core/kubernetes/read-object.ts'
import { RESOURCES } from '../core/kubernetes/resource.ts'
import { policyChanges, type PolicyChanges } from '../core/policy/policy-changes.ts'
import { readThreatPolicy } from '../core/policy/read-threat-policy.ts'
import { toThreatPolicySpec } from '../core/policy/to-threat-policy.ts'
import type { ThreatPolicySpec } from '../core/policy/threat-policy.ts'
import { type CliContext, EXIT, verb } from './context.ts'
import { type KubernetesFlags, kubernetesOptions, openFrom } from './kubernetes-option.ts'
import { goodPolicyInput, type PolicyInput } from './policy-input.ts'
import { type ClassesFlags, classesFor, classesOptions } from './rule-classes.ts'

const { threatPolicies: resource } = RESOURCES
/** Fields that the verb writes are its own, so that what GitOps or kubectl wrote is never taken silently. */
const FIELD_MANAGER = 'autoshield-cli'

interface Flags extends KubernetesFlags { autoshieldNamespace: string }
interface ApplyFlags extends Flags, ClassesFlags { name?: string, dryRun: boolean, force: boolean }

export function policyApplyCommand (context: CliContext, done: (status: number) => void): Command {
  return kubernetesOptions(classesOptions(verb('apply', 'put a policy file, or a ThreatPolicy, into the cluster as an object, and say what changes', [
    'autoshield policy apply deploy/policies/default.yaml --name shipped',
    'autoshield policy apply threat-policy.yaml --dry-run',
  ]).argument('<file>', 'a policy file or a ThreatPolicy (YAML)')
    .option('--name <name>', 'name of the ThreatPolicy; of a policy file the name of the file unless given')
    .option('--autoshield-namespace <name>', 'where AutoShield is installed', 'autoshield')
    .option('--dry-run', 'let the API server judge it and change nothing', false)
    .option('--force', 'take over fields that somebody else wrote', false)))
    .action(async (file: string, { autoshieldNamespace: namespace, name: asked, dryRun, force, classes: named, model, ...flags }: ApplyFlags) => {
      const classes = await classesFor({ ...named === undefined ? {} : { classes: named }, ...model === undefined ? {} : { model } }, context.settings)
      const input = await goodPolicyInput(file, classes)
      const { name, spec } = objectOf(input, file, asked)
      using api = openFrom(context, flags)
      const before = await api.get(resource, name, namespace)
      await api.apply(resource, { metadata: { name, namespace }, spec }, { fieldManager: FIELD_MANAGER, dryRun, force })
      context.stdout.write(`${lines(name, changesOf(name, before, spec, classes), dryRun).join('\n')}\n`)
      done(EXIT.ok)
    })
}

function objectOf (input: PolicyInput, file: string, asked: string | undefined): { name: string, spec: ThreatPolicySpec } {
  if (input.kind === 'object') return { name: asked ?? input.name, spec: input.spec }
  const converted = toThreatPolicySpec(input.written, input.policy)
  if (!converted.ok) throw new AutoshieldError('BAD_DATA', `${file} is a good policy file, but no ThreatPolicy can hold it: ${converted.problems.join('; ')}`)
  const name = asked ?? basename(file).replace(/\.ya?ml$/, '').toLowerCase().replaceAll(/[^a-z0-9.-]+/g, '-').replaceAll(/^[.-]+|[.-]+$/g, '')
  if (name === '') throw new AutoshieldError('USAGE', 'Name the ThreatPolicy with --name.')
  return { name, spec: converted.spec }
}

function changesOf (name: string, before: KubernetesObject | null, spec: ThreatPolicySpec, classes: readonly string[]): PolicyChanges {
  const read = (value: unknown) => {
    const parsed = readThreatPolicy(name, value, classes)
    return parsed.ok ? parsed.policy : null
  }
  return policyChanges(before === null ? null : read(before['spec']), read(spec) ?? { name, rules: [] })
}

function lines (name: string, { added, changed, removed, same }: PolicyChanges, dryRun: boolean): string[] {
  const verbs = [['added', added], ['changed', changed], ['removed', removed]] as const
  const told = verbs.flatMap(([what, ids]) => ids.map((id) => `  ${what} ${id}`))
  const head = told.length === 0 ? 'no rule differs' : `${told.length} of ${added.length + changed.length + removed.length + same.length} rules differ`
  return [`threatpolicy/${name}: ${head}${dryRun ? ' (a dry run: nothing was written)' : ''}`, ...told, ...(dryRun ? [] : [`kubectl get threatpolicy ${name} says whether it was understood and is in force`])]
}

export function policyExportCommand (context: CliContext, done: (status: number) => void): Command {
  return kubernetesOptions(verb('export', 'a ThreatPolicy of the cluster as a policy file', [
    'autoshield policy export shop > shop.yaml',
    'autoshield policy export > all.yaml   # the rules of all of them',
  ]).argument('[name]', 'one ThreatPolicy; all of them unless given')
    .option('--autoshield-namespace <name>', 'where AutoShield is installed', 'autoshield'))
    .action(async (name: string | undefined, { autoshieldNamespace: namespace, ...flags }: Flags) => {
      using api = openFrom(context, flags)
      const found = name === undefined ? await api.list(resource, { namespace }) : [await api.get(resource, name, namespace)]
      const objects = found.flatMap((object) => object === null ? [] : [object])
      if (objects.length === 0) throw new AutoshieldError('NOT_FOUND', name === undefined ? `There is no ThreatPolicy in namespace ${namespace}.` : `There is no ThreatPolicy ${namespace}/${name}: kubectl -n ${namespace} get threatpolicies lists them.`)
      context.stdout.write(stringify({ rules: fileRules(objects) }, { lineWidth: 0, aliasDuplicateObjects: false }))
      done(EXIT.ok)
    })
}

/** Rules as they are written. Of several policies a rule is called by its policy where two have its id, for a file has each id once. */
function fileRules (objects: readonly KubernetesObject[]): readonly object[] {
  const all = objects.flatMap(({ metadata: { name }, ...object }) => {
    const rules: unknown = isRecord(object['spec']) ? object['spec']['rules'] : []
    return (Array.isArray(rules) ? rules : []).filter(isRecord).map((rule) => ({ policy: name, rule }))
  })
  const isShared = (id: unknown): boolean => all.filter(({ rule }) => rule['id'] === id).length > 1
  return all.map(({ policy, rule }) => isShared(rule['id']) ? { ...rule, id: `${policy}.${String(rule['id'])}` } : rule)
}
