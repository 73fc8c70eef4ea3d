import { type Command, Option } from 'commander'
import { breakGlass, type BreakGlassStep } from '../controller/registration/break-glass.ts'
import { AutoshieldError } from '../core/errors.ts'
import { ANNOTATIONS } from '../core/injection/names.ts'
import { type CliContext, EXIT, verb } from './context.ts'
import { type KubernetesFlags, kubernetesOptions, openFrom } from './kubernetes-option.ts'

interface Flags extends KubernetesFlags { webhooksOnly: boolean, autoshieldNamespace: string, revision?: string }

export function uninstallCommand (context: CliContext, done: (status: number) => void): Command {
  return kubernetesOptions(verb('uninstall', 'break the glass: take AutoShield\'s webhooks out of the way of the API server', [
    'autoshield uninstall --webhooks-only',
    'autoshield uninstall --webhooks-only --revision canary',
  ]).addOption(new Option('--webhooks-only', 'remove the webhook configurations and keep them away; pods and data stay').makeOptionMandatory())
    .option('--autoshield-namespace <name>', 'where AutoShield is installed', 'autoshield')
    .option('--revision <name>', 'only the webhooks of this revision; all of them unless given'))
    .addHelpText('after', `
It asks nothing, needs nothing of AutoShield that runs, and may be repeated. Everything else goes with 'helm uninstall'.
`)
    .action(async ({ autoshieldNamespace, revision, ...flags }: Flags) => {
      using api = openFrom(context, flags)
      const steps: BreakGlassStep[] = []
      for await (const step of breakGlass(api, { ownNamespace: autoshieldNamespace, ...(revision !== undefined && { revision }) })) {
        steps.push(step)
        const stream = step.type === 'failed' ? context.stderr : context.stdout
        stream.write(`${lineOf(step)}\n`)
      }
      const failed = steps.find((step) => step.type === 'failed')
      if (failed !== undefined) throw new AutoshieldError(failed.error.code, 'not everything was done; mend what is named above and repeat the command.')
      context.stdout.write(`${conclusion(steps)}\n`)
      done(EXIT.ok)
    })
}

function lineOf (step: BreakGlassStep): string {
  switch (step.type) {
    case 'annotated': return `Annotated namespace ${step.namespace}: ${ANNOTATIONS.webhooks}=off (its controller does not register webhooks while it is there).`
    case 'no-namespace': return `There is no namespace ${step.namespace}, so there was nothing to annotate.`
    case 'deleted': return `Deleted ${step.kind} ${step.name}.`
    case 'gone': return `${step.kind} ${step.name} is gone: its controller deleted it on reading the annotation.`
    case 'failed': return `Could not ${step.what}: ${step.error.message}`
  }
}

function conclusion (steps: readonly BreakGlassStep[]): string {
  const namespaces = steps.flatMap((step) => step.type === 'annotated' ? [step.namespace] : [])
  const none = steps.every(({ type }) => type !== 'deleted' && type !== 'gone') ? 'No webhook configuration of AutoShield was there.\n' : ''
  const back = namespaces.length === 0
    ? 'Nothing keeps a new installation from registering its webhooks.'
    : `To come back: ${namespaces.map((namespace) => `kubectl annotate namespace ${namespace} ${ANNOTATIONS.webhooks}-`).join('; ')}\nMeanwhile new pods start without an observer; autoshield coverage lists them afterwards.`
  return `${none}The API server asks AutoShield about nothing any more. Pods that run go on as they are.\n${back}`
}
