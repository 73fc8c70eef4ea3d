import type { Command } from 'commander'
import { AutoshieldError } from '../core/errors.ts'
import { onConditionAlone } from '../core/policy/match-rules.ts'
import { formatProblem } from '../core/policy/problem.ts'
import { type CliContext, EXIT, verb } from './context.ts'
import { policyRecommendCommand } from './policy-recommend.ts'
import { policyReplayCommand } from './policy-replay.ts'
import { policyApplyCommand, policyExportCommand } from './policy-objects.ts'
import { readPolicyInput } from './policy-input.ts'
import { policyTestCommand } from './policy-test.ts'
import { policyWhyCommand } from './policy-why.ts'
import { type ClassesFlags, classesFor, classesOptions } from './rule-classes.ts'

export function policyCommand (context: CliContext, done: (status: number) => void): Command {
  const validate = classesOptions(verb('validate', 'say whether policy files and ThreatPolicies load, and where and how to mend them', [
    'autoshield policy validate deploy/policies/default.yaml',
    'autoshield policy validate mine.yaml deploy/policies/threat-policy.yaml',
    'autoshield policy validate mine.yaml --model .autoshield/models/my-model-4',
    'autoshield policy validate mine.yaml --classes PORT_SCAN,CUSTOM_ATTACK',
  ]).argument('<file...>', 'policy files and ThreatPolicies (YAML)'))
    .action(async (files: string[], flags: ClassesFlags) => {
      const classes = await classesFor(flags, context.settings)
      let faults = 0
      for (const file of files) {
        const parsed = await readPolicyInput(file, classes)
        if (parsed.ok) {
          context.stdout.write(`${file}: good, ${parsed.input.policy.rules.length} rules\n`)
          for (const { line, name, attackClass } of onConditionAlone(parsed.input.policy, classes)) {
            context.stdout.write(`${file}:${line}: note: the model does not know ${attackClass}, so ${JSON.stringify(name)} fires on its condition alone; promote a model that knows it if its scores are to count.\n`)
          }
          continue
        }
        faults += parsed.problems.length
        for (const problem of parsed.problems) context.stdout.write(`${formatProblem(problem)}\n`)
      }
      if (faults > 0) throw new AutoshieldError('BAD_DATA', `${faults} ${faults === 1 ? 'problem' : 'problems'} found; a file with a problem is not loaded.`)
      done(EXIT.ok)
    })
  return verb('policy', 'check policies, and try them on what was seen', ['autoshield policy validate mine.yaml', 'autoshield policy replay network-policies.yaml --since 24h'])
    .addCommand(validate)
    .addCommand(policyTestCommand(context, done))
    .addCommand(policyWhyCommand(context, done))
    .addCommand(policyApplyCommand(context, done))
    .addCommand(policyExportCommand(context, done))
    .addCommand(policyReplayCommand(context, done))
    .addCommand(policyRecommendCommand(context, done))
}
