import { once } from 'node:events'
import type { Writable } from 'node:stream'
import type { Command } from 'commander'
import type { Finding } from '../core/preflight/finding.ts'
import { type CliContext, EXIT, verb } from './context.ts'
import { type KubernetesFlags, kubernetesOptions, openFrom } from './kubernetes-option.ts'
import { outputOption, type OutputFormat, plain, RowPrinter } from './output.ts'
import { runChecks } from './run-checks.ts'

interface Flags extends KubernetesFlags { pre: boolean, image?: string, autoshieldNamespace: string, output: OutputFormat }

export function checkCommand (context: CliContext, done: (status: number) => void): Command {
  return kubernetesOptions(verb('check', 'whether the cluster is fit for AutoShield, and whether AutoShield is well', [
    'autoshield check --pre',
    'autoshield check',
    'autoshield check -o json | jq -r \'select(.status != "ok") | .mend\'',
  ]).option('--pre', 'before the installation: look only at what must be there already', false)
    .option('--image <name>', 'with --pre: the image that observers will have')
    .option('--autoshield-namespace <name>', 'where AutoShield is installed', 'autoshield')
    .addOption(outputOption()))
    .addHelpText('after', `
Exit status: 0 all is well, 79 something was found (warnings too), 1 the cluster does not answer. Nothing is changed: what
must be tried is tried in a dry run.
`)
    .action(async ({ pre, image, autoshieldNamespace, output, ...flags }: Flags) => {
      using api = openFrom(context, flags)
      const rows = new RowPrinter<Finding>(context.stdout, output, [])
      const findings: Finding[] = []
      for await (const finding of runChecks(api, { ownNamespace: autoshieldNamespace, pre, ...(image !== undefined && { image }) })) {
        findings.push(finding)
        await (output === 'table' ? print(context.stdout, finding) : rows.print(finding))
      }
      const count = (status: Finding['status']): number => findings.filter((finding) => finding.status === status).length
      context.stderr.write(`${count('ok')} well, ${count('warning')} to be looked at, ${count('problem')} wrong\n`)
      done(findings.every(({ status }) => status === 'ok') ? EXIT.ok : EXIT.findings)
    })
}

const WIDTH = 100
const INDENT = ' '.repeat(9)

/** One finding as a person reads it: its state, its check, what is the case, and below it what to do. */
async function print (stdout: Writable, { check, status, message, mend, link }: Finding): Promise<void> {
  const lines = [`${status.padEnd(INDENT.length)}${check}`, ...wrap(message)]
  if (status !== 'ok') lines.push(...wrap(`Mend: ${mend}`), `${INDENT}${link}`)
  if (!stdout.write(`${lines.join('\n')}\n`)) await once(stdout, 'drain')
}

/** What is not a check's own words comes from the cluster: control characters in it must not drive the terminal. */
function wrap (text: string): string[] {
  const lines: string[] = []
  for (const word of plain(text).split(' ')) {
    const last = lines.at(-1)
    if (last === undefined || last.length + word.length >= WIDTH) lines.push(`${INDENT}${word}`)
    else lines[lines.length - 1] = `${last} ${word}`
  }
  return lines
}
