import { type Command, InvalidArgumentError, Option } from 'commander'
import { every, systemClock } from '../adapters/standalone/clock.ts'
import { restart, type RestartEvent } from '../controller/coverage/restart.ts'
import type { Workload } from '../core/coverage/rollout.ts'
import { type CliContext, EXIT, numberIn, verb } from './context.ts'
import { findCoverage } from './find-coverage.ts'
import { type KubernetesFlags, kubernetesOptions, openFrom } from './kubernetes-option.ts'
import { Progress } from './progress.ts'

interface Flags extends KubernetesFlags { namespace: string, autoshieldNamespace: string, maxUnavailable: string, timeout: number }

export function restartCommand (context: CliContext, done: (status: number) => void): Command {
  return kubernetesOptions(verb('restart', 'bring workloads whose pods are not observed, or by an older observer, up to date', [
    'autoshield restart --namespace shop',
    'autoshield restart --namespace shop --max-unavailable 25% --timeout 600',
  ]).requiredOption('-n, --namespace <name>', 'namespace whose workloads are restarted')
    .option('--autoshield-namespace <name>', 'where AutoShield is installed', 'autoshield')
    .addOption(new Option('--max-unavailable <pods>', 'pods that may be away at one time: a number, or a share of all that are restarted').argParser(pods).default('10%'))
    .addOption(new Option('--timeout <seconds>', 'how long one workload may take to become ready').argParser(numberIn(0, 86_400)).default(300)))
    .action(async (flags: Flags) => {
      const api = openFrom(context, flags)
      const rows = await findCoverage(api, { ownNamespace: flags.autoshieldNamespace, namespace: flags.namespace })
      const stale = rows.filter(({ state }) => state === 'stale' || state === 'missed')
      using progress = new Progress(context)
      let restarted = 0
      for await (const event of restart({ api, clock: systemClock, every, pods: stale, maxUnavailable: flags.maxUnavailable, patienceMs: flags.timeout * 1_000 }, context.signal)) {
        if (event.type === 'done') restarted++
        if (event.type === 'progress') progress.say(describe(event))
        else context.stdout.write(`${describe(event)}\n`)
      }
      context.stdout.write(`${restarted} ${restarted === 1 ? 'workload' : 'workloads'} brought up to date${stale.length === 0 ? `: every pod of ${flags.namespace} that asks for it has the newest observer` : ''}\n`)
      done(EXIT.ok)
    })
}

function pods (text: string): string {
  if (!/^(?:[1-9][0-9]*|(?:[1-9][0-9]?|100)%)$/.test(text)) throw new InvalidArgumentError('It must be a number of pods from 1 on, or a share from 1% to 100%.')
  return text
}

const id = ({ kind, namespace, name }: Workload): string => `${kind} ${namespace}/${name}`

function describe (event: RestartEvent): string {
  switch (event.type) {
    case 'left': return `left alone: ${event.what}: ${event.why}`
    case 'begun': return `restarting ${id(event.workload)}, ${event.workload.pods} pods${event.overBudget ? `; its own strategy may take ${event.workload.mayBeAway} away at a time, so it goes alone` : ''}`
    case 'done': return `up to date: ${id(event.workload)}`
    case 'progress': return `${event.going.map((workload) => `${id(workload)} ${workload.rollout.state === 'going' ? `${workload.rollout.ready} of ${workload.rollout.wanted}` : ''}`).join(', ')}; ${event.waiting} waiting`
  }
}
