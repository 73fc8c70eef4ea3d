import { type Command, Option } from 'commander'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { readStore } from '../adapters/store/object-store.ts'
import { AutoshieldError } from '../core/errors.ts'
import { Decision } from '../core/policy/decision.ts'
import type { Policy } from '../core/policy/rule.ts'
import { type Judging, RuleVerdict, whyOf } from '../core/policy/why.ts'
import { Detection } from '../core/verdict/detection.ts'
import { type CliContext, EXIT, verb } from './context.ts'
import { endOf } from './detections.ts'
import { judgingIn } from './judging.ts'
import { apiOption, callApi } from './loop-api.ts'
import { outputOption, type OutputFormat, plain, RowPrinter } from './output.ts'
import { goodPolicyInput } from './policy-input.ts'
import { type ClassesFlags, classesFor, classesOptions } from './rule-classes.ts'
import { SHIPPED } from './up-options.ts'

const Why = Type.Object({ detection: Detection, rules: Type.Array(RuleVerdict), decisions: Type.Array(Decision) })
type Why = Type.Static<typeof Why>
const check = Compile(Why)

interface Flags extends ClassesFlags { api: string, policy: string, zone: string, output: OutputFormat }

export function policyWhyCommand (context: CliContext, done: (status: number) => void): Command {
  return classesOptions(verb('why', 'for one detection every rule that fires or does not, with the comparison that decided, and what was decided', [
    'autoshield policy why 0f9c1f7e6c1b4c65',
    'autoshield policy why 0f9c --data .autoshield --policy mine.yaml   # nothing has to run',
  ]).argument('<detection>', 'its id; with --data the first characters of it suffice')
    .addOption(new Option('--data <dir>', 'read the detection from the store of this folder, not from the AutoShield that runs'))
    .addOption(new Option('--policy <file>', 'with --data: the policy file or ThreatPolicy to ask').default(SHIPPED.policy, 'the shipped policy'))
    .option('--zone <name>', 'with --data: time zone of time.*', 'UTC')
    .addOption(apiOption()).addOption(outputOption()))
    .action(async (id: string, { api, policy, zone, output, ...flags }: Flags) => {
      const { data } = flags
      const whyFrom = async (folder: string): Promise<Why> => {
        const classes = await classesFor(flags, context.settings)
        return fromStore(folder, id, (await goodPolicyInput(policy, classes)).policy, judgingIn(zone, classes))
      }
      const why = data === undefined ? await askedOf(api, id) : await whyFrom(data)
      if (output === 'table') context.stdout.write(`${tell(why).map(plain).join('\n')}\n`)
      else await new RowPrinter<Why>(context.stdout, output, []).print(why)
      done(EXIT.ok)
    })
}

async function askedOf (api: string, id: string): Promise<Why> {
  const answer = await callApi(api, 'GET', `/detections/${encodeURIComponent(id)}/why`)
  if (!check.Check(answer)) throw new AutoshieldError('BAD_DATA', `What ${api} answered does not say why: is it this version's AutoShield?`)
  return answer
}

function fromStore (data: string, id: string, policy: Policy, judging: Judging): Why {
  using store = readStore(data)
  const [detection, ...others] = store.detections.list().filter((found) => found.id.startsWith(id))
  if (detection === undefined) throw new AutoshieldError('NOT_FOUND', `there is no detection '${id}' in ${data}: 'autoshield detections list' names them.`)
  if (others.length > 0) throw new AutoshieldError('USAGE', `'${id}' begins the ids of ${others.length + 1} detections; give more characters.`)
  const decisions = store.decisions.list().filter((decision) => decision.detection === detection.id).toReversed()
  return { detection, rules: [...whyOf([policy], detection, judging)], decisions }
}

/** A line an element. Rules about other classes say little, so they are counted. */
function tell ({ detection, rules, decisions }: Why): string[] {
  const telling = rules.filter(({ reason }) => reason !== 'NoRule')
  const others = rules.length - telling.length
  return [
    `${detection.class} ${endOf(detection.source)} -> ${endOf(detection.target)} (${detection.kind}), confidence ${detection.confidence.toFixed(3)}, ${detection.phase}`,
    `judged by what was kept with it: its windows of ${detection.explanation.stepMs / 1000} s`,
    '',
    ...telling.map(({ id, policy, outcome, reason, message }) => `${outcome.padEnd(14)} ${id} (${policy}) [${reason}] ${message}`),
    ...(others === 0 ? [] : [`${others} ${others === 1 ? 'rule is' : 'rules are'} about other classes`]),
    '',
    ...(decisions.length === 0 ? ['nothing was decided about it'] : decisions.map(({ at, verdict, action, reason, rule, message }) => `${at} ${verdict} ${action ?? ''} [${reason}] ${rule}: ${message}`)),
  ]
}
