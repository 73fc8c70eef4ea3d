// Part of `npm run generate`: writes a CustomResourceDefinition for each object of ours into deploy/chart/crds, from the very
// schemas that the code parses with.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Document } from 'yaml'
import { StoredExceptionSpec, StoredExceptionStatus } from '../src/adapters/kubernetes/stored-exception.ts'
import { StoredPolicySpec, StoredPolicyStatus } from '../src/adapters/kubernetes/stored-mesh-policy.ts'
import { StoredSpec, StoredStatus } from '../src/adapters/kubernetes/stored-mitigation.ts'
import { StoredThreatPolicySpec, StoredThreatPolicyStatus } from '../src/adapters/kubernetes/stored-threat-policy.ts'
import { RESOURCES, type Resource } from '../src/core/kubernetes/resource.ts'
import { structuralSchema } from './structural-schema.ts'

/** A column of `kubectl get`; with priority 1 only of `-o wide`. */
interface Column {
  readonly name: string
  readonly jsonPath: string
  readonly type: 'string' | 'date' | 'integer'
  readonly description: string
  readonly priority?: 1
}

interface Definition {
  readonly resource: Resource
  readonly shortNames: readonly string[]
  readonly description: string
  readonly spec: unknown
  readonly status: unknown
  readonly columns: readonly Column[]
  /** What `--field-selector` may ask for. */
  readonly selectable: readonly string[]
}

const column = (name: string, jsonPath: string, description: string, more: Partial<Column> = {}): Column => ({ name, type: 'string', description, jsonPath, ...more })

const DEFINITIONS: readonly Definition[] = [{
  resource: RESOURCES.mitigations,
  shortNames: ['mit'],
  description: 'A restriction of what a pod may do on the network, with its reason, its evidence and its end. AutoShield writes these. To undo one, use `autoshield mitigations revert`, or annotate it with autoshield.dev/undo and the reason; one in force that is deleted is put back.',
  spec: StoredSpec,
  status: StoredStatus,
  columns: [
    column('Phase', '.status.phase', 'active, expired or reverted.'),
    column('Action', '.spec.action', 'watch, deny or limit.'),
    column('Mode', '.spec.mode', 'shadow only counts what would have been stopped.'),
    column('Subject', '.spec.subject.pod.name', 'The pod that is restricted; empty for any source.'),
    column('Enforcing', '.status.conditions[?(@.type=="Enforcing")].status', 'Whether attempts were seen and did not get through.'),
    // Not of type date: kubectl shows ages, and says <invalid> for what is to come.
    column('Expires', '.spec.expiresAt', 'When it ends by itself.'),
    column('Age', '.metadata.creationTimestamp', 'How long it has been there.', { type: 'date' }),
    column('Namespace', '.spec.subject.pod.namespace', 'Namespace of the subject.', { priority: 1 }),
    column('Detection', '.spec.detection', 'What it rests on.', { priority: 1 }),
    column('Reason', '.spec.reason', 'The decision in one sentence.', { priority: 1 }),
  ],
  selectable: ['.status.phase', '.spec.action', '.spec.mode'],
}, {
  resource: RESOURCES.threatPolicies,
  shortNames: ['threatpol', 'tp'],
  description: 'Which detections lead to which actions. People write the spec, AutoShield the status: what is wrong with it and which rules are in force. `autoshield policy apply` makes one of a policy file, `autoshield policy test` tries it on what was seen before.',
  spec: StoredThreatPolicySpec,
  status: StoredThreatPolicyStatus,
  columns: [
    column('Rules', '.status.rules', 'Rules of it that are in force.', { type: 'integer' }),
    column('Accepted', '.status.conditions[?(@.type=="Accepted")].status', 'Whether the newest spec was understood.'),
    column('Reason', '.status.conditions[?(@.type=="Accepted")].reason', 'Why.'),
    column('Age', '.metadata.creationTimestamp', 'How long it has been there.', { type: 'date' }),
    column('Message', '.status.conditions[?(@.type=="Accepted")].message', 'The first problem, in words.', { priority: 1 }),
  ],
  selectable: [],
}, {
  resource: RESOURCES.exceptions,
  shortNames: ['exc'],
  description: 'What is let be for a while: attacks of named classes by or on somebody named, until a time, with the reason. Nothing else is let be: another class, or a graver rule, is followed all the same. `autoshield exceptions` makes, lists and removes them, too.',
  spec: StoredExceptionSpec,
  status: StoredExceptionStatus,
  columns: [
    column('Active', '.status.conditions[?(@.type=="Active")].status', 'Whether it covers what it names now.'),
    column('Classes', '.spec.classes', 'Classes of the detections.'),
    column('Severity', '.spec.upToSeverity', 'Rules above it are followed all the same.'),
    // Not of type date: kubectl shows ages, and says <invalid> for what is to come.
    column('Until', '.spec.until', 'When it ends by itself.'),
    column('Covered', '.status.covered', 'How many decisions it held back.', { type: 'integer' }),
    column('By', '.spec.by', 'Who asked for it.'),
    column('Age', '.metadata.creationTimestamp', 'How long it has been there.', { type: 'date' }),
    column('Reason', '.spec.reason', 'Why it was made.', { priority: 1 }),
    column('Message', '.status.conditions[?(@.type=="Active")].message', 'What became of it.', { priority: 1 }),
  ],
  selectable: [],
}, {
  resource: RESOURCES.meshPolicies,
  shortNames: ['meshpol'],
  description: 'What is restricted in front of which pods, brought in step by step as far as the evidence allows. People write the spec, AutoShield the status; `autoshield rollout` shows and steers it.',
  spec: StoredPolicySpec,
  status: StoredPolicyStatus,
  columns: [
    column('Stage', '.status.stage', 'observe, shadow, canary or enforce.'),
    column('Share', '.status.share', 'Percent of the pods in scope that enforce.', { type: 'integer' }),
    column('Target', '.spec.target', 'The stage that it shall come to by itself.'),
    column('Progressing', '.status.conditions[?(@.type=="Progressing")].status', 'Whether it goes on by itself.'),
    column('Reason', '.status.conditions[?(@.type=="Progressing")].reason', 'What it waits for, or why it goes no further.'),
    column('Since', '.status.since', 'When this step began.', { type: 'date' }),
    column('Age', '.metadata.creationTimestamp', 'How long it has been there.', { type: 'date' }),
    column('Message', '.status.conditions[?(@.type=="Progressing")].message', 'In a sentence.', { priority: 1 }),
  ],
  selectable: ['.status.stage', '.spec.target'],
}]

const definitionOf = ({ resource, shortNames, description, spec, status, columns, selectable }: Definition): object => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${resource.plural}.${resource.group}`, labels: { 'app.kubernetes.io/managed-by': 'autoshield', 'app.kubernetes.io/part-of': 'autoshield' } },
  spec: {
    group: resource.group,
    scope: resource.namespaced ? 'Namespaced' : 'Cluster',
    names: { kind: resource.kind, listKind: `${resource.kind}List`, plural: resource.plural, singular: resource.kind.toLowerCase(), shortNames, categories: ['autoshield'] },
    versions: [{
      name: resource.version,
      served: true,
      storage: true,
      subresources: { status: {} },
      additionalPrinterColumns: columns,
      ...(selectable.length > 0 && { selectableFields: selectable.map((jsonPath) => ({ jsonPath })) }),
      schema: {
        openAPIV3Schema: {
          description,
          type: 'object',
          required: ['spec'],
          properties: { spec: structuralSchema(spec, 'spec'), status: structuralSchema(status, 'status') },
        },
      },
    }],
  },
})

/** Writes a file for each kind into `target`, which is made if it is not there. */
export async function generateCrds (target: string): Promise<void> {
  await mkdir(target, { recursive: true })
  for (const definition of DEFINITIONS) {
    const document = new Document(definitionOf(definition), { aliasDuplicateObjects: false })
    document.commentBefore = ' Made by `npm run generate` from the schemas of src/core. Do not edit.'
    await writeFile(join(target, `${definition.resource.plural}.yaml`), document.toString({ lineWidth: 0 }))
  }
}
