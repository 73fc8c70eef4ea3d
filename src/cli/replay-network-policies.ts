import { groupTried, type TriedGroup } from '../core/history/group-tried.ts'
import { suspicionOf } from '../core/history/suspicion.ts'
import { tryPolicies } from '../core/history/try-policies.ts'
import { RESOURCES } from '../core/kubernetes/resource.ts'
import { policyKey, type Policy } from '../core/plan/reach/policy.ts'
import { readPolicy } from '../core/plan/reach/read-policy.ts'
import { type CliContext, EXIT } from './context.ts'
import { type KubernetesFlags, openFrom } from './kubernetes-option.ts'
import { networkPoliciesIn } from './network-policy-file.ts'
import { type Column, type OutputFormat, RowPrinter } from './output.ts'
import { readInput } from './read-input.ts'
import { recordedDetections } from './recorded-detections.ts'
import { readRecorded, type RecordedFlags, tellRecorded } from './recorded-flows.ts'

export interface NetworkReplayFlags extends RecordedFlags, KubernetesFlags {
  readonly inForce: readonly string[]
  readonly live: boolean
  readonly blocks: 'pods' | 'outside'
  readonly output: OutputFormat
}

const COLUMNS: readonly Column<TriedGroup>[] = [
  { title: 'CHANGE', of: ({ change }) => change },
  { title: 'SOURCE', of: ({ source }) => source },
  { title: 'DESTINATION', of: ({ destination }) => destination },
  { title: 'PORT', of: ({ protocol, port }) => `${protocol} ${port}` },
  { title: 'CONNECTIONS', of: ({ connections }) => connections },
  { title: 'FAILED', of: ({ failed }) => failed },
  { title: 'SUSPICIOUS', of: ({ suspicious }) => suspicious },
  { title: 'LAST SEEN', of: ({ lastMs }) => new Date(lastMs).toISOString().slice(0, 16) },
  { title: 'BY', of: ({ because }) => because.join('; ') },
]

/** Prints what NetworkPolicies would have cut and opened. Gives the exit status: 79 where something would be cut. */
export async function replayNetworkPolicies (context: CliContext, files: readonly { readonly file: string, readonly text: string }[], flags: NetworkReplayFlags): Promise<number> {
  const proposed = files.flatMap(({ file, text }) => networkPoliciesIn(text, file))
  const inForce = [...await policiesIn(flags.inForce), ...flags.live ? await livePolicies(context, flags) : []]
  const replaced = new Set(proposed.map(policyKey))
  const recorded = await readRecorded(flags)
  const trial = tryPolicies(recorded.records, inForce, [...inForce.filter((policy) => !replaced.has(policyKey(policy))), ...proposed], { nodes: [], plugin: flags.blocks === 'pods' ? 'most' : 'cilium' })
  const printer = new RowPrinter(context.stdout, flags.output, COLUMNS)
  for (const group of groupTried(trial, suspicionOf(await recordedDetections(flags)))) await printer.print(group)
  await printer.end('nothing would change for what was seen')
  context.stderr.write(`${tellRecorded(recorded)}; ${trial.connections} connections were judged, ${trial.unjudged} are of no port or protocol that a NetworkPolicy speaks of. In force before: ${inForce.length} NetworkPolicies.\n`)
  return trial.cut.length > 0 ? EXIT.findings : EXIT.ok
}

async function policiesIn (files: readonly string[]): Promise<Policy[]> {
  const read = await Promise.all(files.map(async (file) => networkPoliciesIn(await readInput(file, 'readable file of NetworkPolicies'), file)))
  return read.flat()
}

async function livePolicies (context: CliContext, flags: KubernetesFlags): Promise<Policy[]> {
  using api = openFrom(context, flags)
  return (await api.list(RESOURCES.networkPolicies)).map(readPolicy)
}
