import type { Command } from 'commander'
import { readStore } from '../adapters/store/object-store.ts'
import { AutoshieldError } from '../core/errors.ts'
import { FEATURES } from '../core/window/window.ts'
import type { Decision } from '../core/policy/decision.ts'
import type { Detection } from '../core/verdict/detection.ts'
import { type CliContext, dataOption, EXIT, verb } from './context.ts'
import { outputOption, type OutputFormat, plain, RowPrinter } from './output.ts'

export const explainCommand = (context: CliContext, done: (status: number) => void): Command => accountVerb('explain', 'explain', context, done)
/** The same beside the other verbs of detections. */
export const showCommand = (context: CliContext, done: (status: number) => void): Command => accountVerb('show', 'detections show', context, done)

function accountVerb (name: string, called: string, context: CliContext, done: (status: number) => void): Command {
  return verb(name, 'why a detection was made, and what was done about it', [
    `autoshield ${called} 0f9c1f7e-6c1b-4c65-8a35-0d8f5b1f1f53`,
    `autoshield ${called} 0f9c1f7e-6c1b-4c65-8a35-0d8f5b1f1f53 -o json | jq .detection.explanation.evidence`,
  ]).argument('<detection>', 'its id, or the first characters of it').addOption(dataOption()).addOption(outputOption())
    .action(async (id: string, { data, output }: { data: string, output: OutputFormat }) => {
      using store = readStore(data)
      const detection = find(store.detections.list(), id, data)
      const decisions = store.decisions.list().filter((decision) => decision.detection === detection.id).reverse()
      if (output === 'table') context.stdout.write(`${tell(detection, decisions).map(plain).join('\n')}\n`)
      else await new RowPrinter(context.stdout, output, []).print({ detection, decisions })
      done(EXIT.ok)
    })
}

function find (detections: readonly Detection[], id: string, data: string): Detection {
  const [found, ...others] = detections.filter((detection) => detection.id.startsWith(id))
  if (found === undefined) throw new AutoshieldError('NOT_FOUND', `there is no detection '${id}' in ${data}; 'autoshield detections list' names them.`)
  if (others.length > 0) throw new AutoshieldError('USAGE', `'${id}' begins the ids of ${others.length + 1} detections; give more characters.`)
  return found
}

const number = (value: number): string => Number.isInteger(value) ? value.toLocaleString('en') : value.toPrecision(3)

const signed = (nats: number): string => `${nats > 0 ? '+' : ''}${nats.toFixed(2)}`.padStart(8)

/** What the model said when it was asked; nothing of a detection of an older version, or before it was asked. */
function reasons ({ path = [], windows = [], counterfactual = null, nearest = null, tensor }: Detection['explanation']): string[] {
  const without = path.map(({ feature, left }) => `${feature} (${left.toFixed(3)} left)`).join(', then ')
  const changes = counterfactual?.changes.map(({ feature, seen, needed }) => `${feature} ${number(needed)} instead of ${number(seen)}`).join(' and ')
  return [
    ...path.length === 0 ? [] : ['', `what makes the score, with each and those before it as usual: ${without}`],
    ...windows.length === 0 ? [] : [`windows that matter most: ${windows.map(({ window, contribution }) => `${tensor.length - 1 - window} before the newest (${contribution.toFixed(3)})`).join(', ')}`],
    ...counterfactual === null ? [] : [`below ${counterfactual.limit.toFixed(3)} with ${changes}, over the windows that are not silent: ${counterfactual.probability.toFixed(3)}`],
    ...nearest === null ? [] : [`nearest in training: ${nearest.class} by ${nearest.tool} in run ${nearest.run}, ${nearest.distance.toFixed(2)} away; nine in ten of its kind lie within ${nearest.usualDistance.toFixed(2)}`],
  ]
}

/** The account for a person, a line an element. */
function tell (detection: Detection, decisions: readonly Decision[]): string[] {
  const { explanation, technique } = detection
  const end = (endpoint: Detection['source']): string => endpoint === null ? 'any' : endpoint.address
  return [
    `${detection.class} ${end(detection.source)} -> ${end(detection.target)} (${detection.kind}), ${detection.phase}${detection.simulated ? ', from a replay' : ''}`,
    explanation.sentence,
    `confidence ${(detection.confidence * 100).toFixed(1)} % over ${detection.count} windows, ${detection.firstSeen} to ${detection.lastSeen}, model ${detection.model}`,
    ...(technique === null ? [] : [`ATT&CK ${technique.id} ${technique.name} ${technique.url}`]),
    ...(explanation.named === undefined ? [] : ['', `${'evidence'.padEnd(20)}${'nats'.padStart(8)}`, `${'the model'.padEnd(20)}${signed(explanation.model ?? 0)}  above the point where it speaks neither for nor against`, ...explanation.named.map(({ kind, nats, sentence }) => `${kind.padEnd(20)}${signed(nats)}  ${sentence}`), ...(explanation.nats === undefined ? [] : [`${'in all'.padEnd(20)}${signed(explanation.nats)}  in its strongest moment`])]),
    '',
    `${'feature'.padEnd(20)}${'value'.padStart(14)}${'usual'.padStart(14)}${'part in score'.padStart(16)}`,
    ...explanation.evidence.map(({ feature, value, usual, contribution }) => `${feature.padEnd(20)}${number(value).padStart(14)}${number(usual).padStart(14)}${contribution.toFixed(3).padStart(16)}`),
    ...reasons(explanation),
    '',
    `its strongest moment: windows of ${explanation.stepMs / 1000} s up to ${new Date((explanation.windowNumber + 1) * explanation.stepMs).toISOString()}, oldest first; silent ones are left out`,
    FEATURES.map((name) => name.padStart(18)).join(''),
    ...explanation.tensor.filter((row) => row.some((value) => value !== 0)).map((row) => row.map((value) => number(value).padStart(18)).join('')),
    '',
    ...decisions.flatMap((decision) => [
      `${decision.at} ${decision.verdict} ${decision.action ?? ''} [${decision.reason}] ${decision.rule}: ${decision.message}`,
      ...decision.safety.map((check) => `  ${check.passed ? 'passed' : 'HELD  '} ${check.check}: ${check.message}`),
    ]),
  ]
}
