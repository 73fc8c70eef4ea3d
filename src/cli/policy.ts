import type { Command } from 'commander'
import { AutoshieldError } from '../core/errors.ts'
import { formatProblem } from '../core/policy/problem.ts'
import { type CliContext, EXIT, verb } from './context.ts'
import { policyRecommendCommand } from './policy-recommend.ts'
import { policyReplayCommand } from './policy-replay.ts'
import { policyApplyCommand, policyExportCommand } from './policy-objects.ts'
import { classesOption, readPolicyInput } from './policy-input.ts'
import { policyTestCommand } from './policy-test.ts'
import { policyWhyCommand } from './policy-why.ts'

export function policyCommand (context: CliContext, done: (status: number) => void): Command {
  const validate = verb('validate', 'say whether policy files and ThreatPolicies load, and where and how to mend them', [
    'autoshield policy validate deploy/policies/default.yaml',
    'autoshield policy validate mine.yaml deploy/policies/threat-policy.yaml',
    'autoshield policy validate mine.yaml --classes PORT_SCAN,CUSTOM_ATTACK',
  ]).argument('<file...>', 'policy files and ThreatPolicies (YAML)').addOption(classesOption())
    .action(async (files: string[], { classes }: { classes: readonly string[] }) => {
      let faults = 0
      for (const file of files) {
        const parsed = await readPolicyInput(file, classes)
        if (parsed.ok) {
          context.stdout.write(`${file}: good, ${parsed.input.policy.rules.length} rules\n`)
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
