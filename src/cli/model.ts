import type { Command } from 'commander'
import { type CliContext, verb } from './context.ts'
import { driftCommand } from './model-drift.ts'
import { inspectCommand, signCommand, verifyCommand } from './model-files.ts'
import { compareCommand, installCommand, listCommand, promoteCommand, removeCommand, rollbackCommand, shadowCommand } from './model-life.ts'

export function modelCommand (context: CliContext, done: (status: number) => void): Command {
  return verb('model', 'what the detector scores with: see, install, compare, replace, go back', ['autoshield model list', 'autoshield model inspect'])
    .addCommand(listCommand(context, done)).addCommand(inspectCommand(context, done)).addCommand(verifyCommand(context, done))
    .addCommand(installCommand(context, done)).addCommand(shadowCommand(context, done)).addCommand(compareCommand(context, done))
    .addCommand(promoteCommand(context, done)).addCommand(rollbackCommand(context, done)).addCommand(removeCommand(context, done))
    .addCommand(driftCommand(context, done)).addCommand(signCommand(context, done))
}
