import type { Command } from 'commander'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { parse } from 'yaml'
import { every } from '../adapters/standalone/clock.ts'
import { AutoshieldError } from '../core/errors.ts'
import { COMMANDS, isAtRest, type Command as Step } from '../core/rollout/advance.ts'
import { nameOf } from '../core/rollout/ladder.ts'
import { MeshPolicy, type Group } from '../core/rollout/mesh-policy.ts'
import { type CliContext, EXIT, verb } from './context.ts'
import { apiOption, callApi } from './loop-api.ts'
import { type Column, outputOption, type OutputFormat, plain, RowPrinter } from './output.ts'
import { readInput } from './read-input.ts'

const conditionOf = ({ status }: MeshPolicy, type: string) => status.conditions.find((condition) => condition.type === type)
const both = ({ status: { evidence } }: MeshPolicy, of: (group: Group) => number): number => of(evidence.enforcing) + of(evidence.others)

const COLUMNS: readonly Column<MeshPolicy>[] = [
  { title: 'NAME', of: ({ metadata }) => metadata.name },
  { title: 'STAGE', of: ({ status }) => nameOf(status) },
  { title: 'TARGET', of: ({ spec }) => spec.target },
  { title: 'SINCE', of: ({ status }) => status.since },
  { title: 'PROXIES', of: (policy) => `${policy.status.evidence.inSync}/${both(policy, ({ pods }) => pods)}` },
  { title: 'SEEN', of: (policy) => `${both(policy, ({ attempts }) => attempts)}/${policy.spec.gates.minAttempts}` },
  { title: 'TRIED', of: (policy) => policy.status.stage === 'observe' ? '-' : `${policy.status.stage === 'canary' ? policy.status.evidence.enforcing.tried : both(policy, ({ tried }) => tried)}/${policy.spec.gates.minTried}` },
  { title: 'STOPPED', of: (policy) => both(policy, ({ stopped }) => stopped) },
  { title: 'REASON', of: (policy) => conditionOf(policy, 'Progressing')?.reason ?? 'Begun' },
  { title: 'WHY', of: (policy) => conditionOf(policy, 'Progressing')?.message ?? 'It has not been looked at yet.' },
]

const SUMMARIES = {
  pause: 'hold a rollout where it is',
  resume: 'let a rollout go on, from the beginning of its step',
  promote: 'move a rollout on by one step, whatever the evidence',
  undo: 'take a rollout back to the next stage that enforces nothing, and hold it there',
} as const satisfies Record<Step, string>

export function rolloutCommand (context: CliContext, done: (status: number) => void): Command {
  const rollout = verb('rollout', 'mesh policies: how far they have come, and steering them', ['autoshield rollout status', 'autoshield rollout undo careful --reason "a release"'])
    .addCommand(statusCommand(context, done))
    .addCommand(applyCommand(context, done))
    .addCommand(deleteCommand(context, done))
  for (const step of COMMANDS) {
    rollout.addCommand(verb(step, SUMMARIES[step], [`autoshield rollout ${step} careful --reason "seen by the on-call"`])
      .argument('<name>').requiredOption('--reason <text>', 'why; it goes into the audit trail and onto the object')
      .option('--actor <name>', 'who says so')
      .addOption(apiOption())
      .action(async (name: string, { reason, actor, api }: { reason: string, actor?: string, api: string }) => {
        const { status } = read(await callApi(api, 'POST', `/rollouts/${encodeURIComponent(name)}/${step}`, { reason, ...(actor !== undefined && { actor }) }), api)
        context.stdout.write(`${name}: ${nameOf(status)}${status.hold === undefined ? '' : `, held by ${plain(status.hold.by)}`}\n`)
        done(EXIT.ok)
      }))
  }
  return rollout
}

function statusCommand (context: CliContext, done: (status: number) => void): Command {
  return verb('status', 'stage, evidence, and what is missing for the next step', [
    'autoshield rollout status',
    'autoshield rollout status careful --watch',
    'autoshield rollout status -o json | jq -r \'select(.status.hold != null) | .metadata.name\'',
  ]).argument('[name]', 'one mesh policy; all of them unless given')
    .option('--watch', 'print again whenever something changes, until none goes on by itself (at its target, held or paused), or until Ctrl-C', false)
    .addOption(outputOption()).addOption(apiOption())
    .action(async (name: string | undefined, { watch, output, api }: { watch: boolean, output: OutputFormat, api: string }) => {
      let told = ''
      for await (const beat of watch ? every(1_000, context.signal) : [0]) {
        const policies = await fetchPolicies(name, api)
        const now = JSON.stringify(policies.map(({ metadata: { generation }, status }) => [generation, status]))
        if (beat === 0 || now !== told) await print(context, output, policies)
        told = now
        done(policies.some((policy) => conditionOf(policy, 'Degraded')?.status === 'True') ? EXIT.findings : EXIT.ok)
        if (policies.every(isAtRest)) return
      }
    })
}

async function print (context: CliContext, output: OutputFormat, policies: readonly MeshPolicy[]): Promise<void> {
  const printer = new RowPrinter(context.stdout, output, COLUMNS)
  for (const policy of policies) await printer.print(policy)
  await printer.end('there is no mesh policy: make one with \'autoshield rollout apply -f FILE\', or in a cluster with kubectl')
}

async function fetchPolicies (name: string | undefined, api: string): Promise<readonly MeshPolicy[]> {
  if (name !== undefined) return [read(await callApi(api, 'GET', `/rollouts/${encodeURIComponent(name)}`), api)]
  const page: unknown = await callApi(api, 'GET', '/rollouts?limit=500')
  if (typeof page !== 'object' || page === null || !('items' in page) || !Array.isArray(page.items)) throw unreadable(api)
  return page.items.map((item: unknown) => read(item, api))
}

const Manifest = Compile(Type.Object({
  apiVersion: Type.Literal('autoshield.dev/v1alpha1'),
  kind: Type.Literal('MeshPolicy'),
  metadata: Type.Object({ name: Type.String({ minLength: 1 }) }),
  spec: Type.Unknown(),
}))

function applyCommand (context: CliContext, done: (status: number) => void): Command {
  return verb('apply', 'make a mesh policy, or change what it asks for, in a standalone loop (in a cluster: kubectl apply)', ['autoshield rollout apply -f careful.yaml'])
    .requiredOption('-f, --file <file>', 'the MeshPolicy (YAML)').addOption(apiOption())
    .action(async ({ file, api }: { file: string, api: string }) => {
      const { metadata: { name }, spec } = await readManifest(file)
      const { status } = read(await callApi(api, 'PUT', `/rollouts/${encodeURIComponent(name)}`, { spec }), api)
      context.stdout.write(`${name}: ${nameOf(status)}\n`)
      done(EXIT.ok)
    })
}

function deleteCommand (context: CliContext, done: (status: number) => void): Command {
  return verb('delete', 'remove a mesh policy from a standalone loop and end what it made (in a cluster: kubectl delete)', ['autoshield rollout delete careful --reason "not needed any more"'])
    .argument('<name>').requiredOption('--reason <text>', 'why; it goes into the audit trail')
    .option('--actor <name>', 'who says so').addOption(apiOption())
    .action(async (name: string, { reason, actor, api }: { reason: string, actor?: string, api: string }) => {
      const query = new URLSearchParams({ reason, ...(actor !== undefined && { actor }) })
      const { status } = read(await callApi(api, 'DELETE', `/rollouts/${encodeURIComponent(name)}?${query.toString()}`), api)
      context.stdout.write(`${name}: deleted, it was at ${nameOf(status)}\n`)
      done(EXIT.ok)
    })
}

async function readManifest (file: string): Promise<{ metadata: { name: string }, spec: unknown }> {
  const text = await readInput(file, 'file with a MeshPolicy')
  let value: unknown
  try {
    value = parse(text)
  } catch (cause) {
    throw new AutoshieldError('BAD_DATA', `${file}: it is no YAML: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
  if (!Manifest.Check(value)) {
    const [first] = Manifest.Errors(value)
    throw new AutoshieldError('BAD_DATA', `${file}: it is no MeshPolicy (${first?.instancePath ?? ''} ${first?.message ?? ''}): write apiVersion: autoshield.dev/v1alpha1, kind: MeshPolicy, metadata.name and spec, one policy a file.`)
  }
  return value
}

const policyCheck = Compile(MeshPolicy)

function read (value: unknown, api: string): MeshPolicy {
  if (!policyCheck.Check(value)) throw unreadable(api)
  return value
}

const unreadable = (api: string): AutoshieldError => new AutoshieldError('BAD_DATA', `What ${api} answered is no mesh policy: is it this version's AutoShield?`)
