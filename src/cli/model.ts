import type { Command } from 'commander'
import { type CliContext, verb } from './context.ts'
import { inspectCommand, signCommand, verifyCommand } from './model-files.ts'

export function modelCommand (context: CliContext, done: (status: number) => void): Command {
  return verb('model', 'what the detector scores with: inspect, verify, sign', ['autoshield model inspect models'])
    .addCommand(inspectCommand(context, done)).addCommand(verifyCommand(context, done)).addCommand(signCommand(context, done))
}
