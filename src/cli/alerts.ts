import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { Messenger } from '../adapters/alerts/messenger.ts'
import { systemClock } from '../adapters/standalone/clock.ts'
import { type AlertSettings, channelOf } from '../core/errand/alert-settings.ts'
import { createErrand, type Task } from '../core/errand/errand.ts'
import { AutoshieldError } from '../core/errors.ts'
import { parsePolicy } from '../core/policy/parse-policy.ts'
import { formatProblem } from '../core/policy/problem.ts'
import type { Rule } from '../core/policy/rule.ts'
import { readAlertsFile } from './alerts-file.ts'
import { type CliContext, EXIT, verb } from './context.ts'

export function alertsCommand (context: CliContext, done: (status: number) => void): Command {
  const validate = verb('validate', 'say what is wrong with alert settings, and what rules of a policy lack in them', [
    'autoshield alerts validate alerts.yaml --policy policy.yaml',
  ]).argument('<file>').option('--policy <file>', 'the rules')
    .action(async (path: string, { policy }: { policy?: string }) => {
      const { settings } = await readAlertsFile(path)
      const lacking = policy === undefined ? [] : (await rulesOf(policy)).flatMap((rule) => lackingFor(rule, settings))
      for (const problem of lacking) context.stdout.write(`${path}: ${problem}\n`)
      if (lacking.length === 0) context.stdout.write(`${path}: ${Object.keys(settings.channels ?? {}).length} channels\n`)
      done(lacking.length === 0 ? EXIT.ok : EXIT.findings)
    })
  const test = verb('test', 'send a message that says that it is a test to a channel', ['autoshield alerts test alerts.yaml soc_dashboard'])
    .argument('<file>').argument('<channel>')
    .action(async (path: string, channel: string) => {
      const { settings } = await readAlertsFile(path)
      const messenger = new Messenger({
        settings: () => settings, clock: systemClock, version: context.version, tell: (_, { notice }) => { context.stdout.write(`${notice.text}\n`) },
      })
      const task = testTask(channel, new Date(systemClock.now()).toISOString())
      const { result, message } = await messenger.alert(createErrand({ id: `test-${randomUUID()}`, detection: 'test', policy: 'test', ruleHash: '' }, task, 0, systemClock.now()), task, context.signal)
      if (result !== 'done') throw new AutoshieldError('UNAVAILABLE', message)
      context.stdout.write(`${channel}: ${message}\n`)
      done(EXIT.ok)
    })
  return verb('alerts', 'check the alert settings and try a channel', ['autoshield alerts validate alerts.yaml']).addCommand(validate).addCommand(test)
}

function lackingFor ({ name, actions }: Rule, settings: AlertSettings): string[] {
  return actions.flatMap((action) => {
    if (action.type === 'alert_only' && channelOf(settings, action.channel) === null) return [`rule ${JSON.stringify(name)} names channel ${JSON.stringify(action.channel)}, which is not there`]
    return action.type === 'custom_webhook' && settings.webhooks === undefined ? [`rule ${JSON.stringify(name)} sends a message, and webhooks.secretFile is not there to sign it`] : []
  })
}

async function rulesOf (path: string): Promise<readonly Rule[]> {
  const parsed = parsePolicy(await readFile(path, 'utf8'), path, null) // channels are asked for, whatever the classes
  if (!parsed.ok) throw new AutoshieldError('BAD_DATA', parsed.problems.map(formatProblem).join('\n'))
  return parsed.policy.rules
}

function testTask (channel: string, at: string): Extract<Task, { type: 'alert' }> {
  return {
    type: 'alert',
    channel,
    priority: 'low',
    notice: {
      rule: 'test',
      severity: 'low',
      text: 'This is a test of the channel: nothing was detected.',
      detection: { id: 'test', class: 'BENIGN', confidence: 0, source: null, target: null, firstSeen: at, lastSeen: at, simulated: true, technique: null },
    },
  }
}
