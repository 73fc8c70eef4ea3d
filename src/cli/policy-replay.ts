import { type Command, Option } from 'commander'
import { AutoshieldError } from '../core/errors.ts'
import { isThreatPolicy } from '../core/policy/parse-threat-policy.ts'
import { type CliContext, verb } from './context.ts'
import { zoneOption } from './judging.ts'
import { kubernetesOptions } from './kubernetes-option.ts'
import { outputOption } from './output.ts'
import { readPolicy, type PolicyNameFlags } from './read-policy.ts'
import { recordedOptions } from './recorded-flows.ts'
import { replayNetworkPolicies, type NetworkReplayFlags } from './replay-network-policies.ts'
import { replayRules, type RulesReplayFlags } from './replay-rules.ts'
import { classesOptions } from './rule-classes.ts'

type Kind = 'NetworkPolicies' | 'rules'

/** Flags that say nothing for the other kind. */
const FLAGS_OF: Readonly<Record<Kind, readonly string[]>> = { NetworkPolicies: ['inForce', 'live', 'blocks'], rules: ['zone', 'model', 'classes'] }

export function policyReplayCommand (context: CliContext, done: (status: number) => void): Command {
  const replay = verb('replay', 'what policies would have cut of the flows that were recorded: NetworkPolicies by themselves, ThreatPolicies and policy files for the detections of the time; exit status 79 where NetworkPolicies would cut anything, or the others anything legitimate', [
    'autoshield policy replay shop.yaml --since 24h --live',
    'autoshield policy replay shop.yaml --in-force now.yaml -o json | jq .destination',
    'autoshield policy replay threat-policy.yaml --since 24h',
    'autoshield policy replay shop --since 24h   # the ThreatPolicy of that name in the cluster',
  ]).argument('<policy...>', 'files of NetworkPolicies (YAML, several documents in a file), or of ThreatPolicies and policy files; `-` is standard input; or objects of the cluster: NAME or threatpolicy/NAME, networkpolicy/NAMESPACE/NAME. A NetworkPolicy that is in force under the same name is replaced')
    .addOption(new Option('--in-force <file>', 'NetworkPolicies that are in force, as `kubectl get networkpolicies -A -o yaml` prints them; may be given again').default([], 'none').argParser((file: string, files: readonly string[]) => [...files, file]))
    .option('--live', 'those in force are read from the cluster', false)
    .addOption(new Option('--blocks <match>', 'whether an ipBlock also lists pods in it, as with most network plugins, or only what is outside, as with Cilium').choices(['pods', 'outside']).default('pods'))
    .addOption(zoneOption())
    .option('--autoshield-namespace <name>', 'where AutoShield is installed, and its ThreatPolicies are', 'autoshield')
    .addOption(outputOption())
  kubernetesOptions(recordedOptions(classesOptions(replay)))
  return replay.action(async (files: readonly string[], flags: NetworkReplayFlags & RulesReplayFlags & PolicyNameFlags, command: Command) => {
    const read = await Promise.all(files.map(async (file) => readPolicy(file, context, flags)))
    const kind = kindOf(read)
    const idle = Object.values(FLAGS_OF).flat().find((flag) => !FLAGS_OF[kind].includes(flag) && command.getOptionValueSource(flag) === 'cli')
    if (idle !== undefined) throw new AutoshieldError('USAGE', `--${idle.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)} is of no use for ${kind === 'rules' ? 'a ThreatPolicy or a policy file' : kind}: leave it away.`)
    done(await (kind === 'rules' ? replayRules : replayNetworkPolicies)(context, read, flags))
  })
}

/** Told by content. Throws USAGE where both are among them. */
function kindOf (read: readonly { readonly file: string, readonly text: string }[]): Kind {
  const rules = read.filter(({ text }) => isThreatPolicy(text) || /^["']?rules["']?\s*:/m.test(text))
  if (rules.length === 0) return 'NetworkPolicies'
  const other = read.find((one) => !rules.includes(one))
  if (other !== undefined) throw new AutoshieldError('USAGE', `${other.file} is no ThreatPolicy or policy file, and the others are: replay NetworkPolicies by themselves.`)
  return 'rules'
}
