import { type Command, Option } from 'commander'
import { groupTried, type TriedGroup } from '../core/history/group-tried.ts'
import { suspicionOf } from '../core/history/suspicion.ts'
import { tryPolicies } from '../core/history/try-policies.ts'
import { RESOURCES } from '../core/kubernetes/resource.ts'
import { policyKey, type Policy } from '../core/plan/reach/policy.ts'
import { readPolicy } from '../core/plan/reach/read-policy.ts'
import { type CliContext, EXIT, verb } from './context.ts'
import { type KubernetesFlags, kubernetesOptions, openFrom } from './kubernetes-option.ts'
import { networkPoliciesIn } from './network-policy-file.ts'
import { type Column, outputOption, type OutputFormat, RowPrinter } from './output.ts'
import { recordedDetections } from './recorded-detections.ts'
import { readInput } from './read-input.ts'
import { readRecorded, recordedOptions, type RecordedFlags, tellRecorded } from './recorded-flows.ts'

interface Flags extends RecordedFlags, KubernetesFlags {
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

export function policyReplayCommand (context: CliContext, done: (status: number) => void): Command {
  const replay = verb('replay', 'what NetworkPolicies would have cut, and opened, of the flows that were recorded; exit status 79 where something would be cut', [
    'autoshield policy replay shop.yaml --since 24h --live',
    'autoshield policy replay shop.yaml --in-force now.yaml -o json | jq .destination',
  ]).argument('<file...>', 'NetworkPolicies (YAML, several documents in a file; `-` is standard input). One that is in force under the same name is replaced')
    .addOption(new Option('--in-force <file>', 'NetworkPolicies that are in force, as `kubectl get networkpolicies -A -o yaml` prints them; may be given again').default([], 'none').argParser((file: string, files: readonly string[]) => [...files, file]))
    .option('--live', 'those in force are read from the cluster', false)
    .addOption(new Option('--blocks <match>', 'whether an ipBlock also lists pods in it, as with most network plugins, or only what is outside, as with Cilium').choices(['pods', 'outside']).default('pods'))
    .addOption(outputOption())
  kubernetesOptions(recordedOptions(replay))
  return replay.action(async (files: readonly string[], flags: Flags) => {
    const proposed = await policiesIn(files)
    const inForce = [...await policiesIn(flags.inForce), ...flags.live ? await livePolicies(context, flags) : []]
    const replaced = new Set(proposed.map(policyKey))
    const recorded = await readRecorded(flags)
    const trial = tryPolicies(recorded.records, inForce, [...inForce.filter((policy) => !replaced.has(policyKey(policy))), ...proposed], { nodes: [], blocksMatchPods: flags.blocks === 'pods' })
    const printer = new RowPrinter(context.stdout, flags.output, COLUMNS)
    for (const group of groupTried(trial, suspicionOf(await recordedDetections(flags)))) await printer.print(group)
    await printer.end('nothing would change for what was seen')
    context.stderr.write(`${tellRecorded(recorded)}; ${trial.connections} connections were judged, ${trial.unjudged} are of no port or protocol that a NetworkPolicy speaks of. In force before: ${inForce.length} NetworkPolicies.\n`)
    done(trial.cut.length > 0 ? EXIT.findings : EXIT.ok)
  })
}

async function policiesIn (files: readonly string[]): Promise<Policy[]> {
  const read = await Promise.all(files.map(async (file) => networkPoliciesIn(await readInput(file, 'readable file of NetworkPolicies'), file)))
  return read.flat()
}

async function livePolicies (context: CliContext, flags: KubernetesFlags): Promise<Policy[]> {
  using api = openFrom(context, flags)
  return (await api.list(RESOURCES.networkPolicies)).map(readPolicy)
}
