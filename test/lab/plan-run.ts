import type { Load } from './benign/kind.ts'
import { drawWorld } from './draw-world.ts'
import type { World } from './draw-world.ts'
import { SCENARIOS } from './scenarios.ts'
import type { DrawOptions, Scheduled } from './scenarios.ts'

export interface RunOptions extends DrawOptions {
  scenario: string
  seed: number
  /** Tools, services and rates may be drawn that no run for training has. */
  unseen: boolean
}

/** All of a run before any of it is there: the same options give the same plan. */
export interface RunPlan { readonly options: RunOptions, readonly world: World, readonly loads: readonly Load[], readonly attacks: readonly Scheduled[] }

/** Throws where there is no such scenario. */
export function planRun (options: RunOptions): RunPlan {
  const scenario = SCENARIOS[options.scenario]
  if (!scenario) throw new Error(`no scenario '${options.scenario}'; there are: ${Object.keys(SCENARIOS).join(', ')}`)
  const { settings, proxied = 'none' } = scenario
  const world = drawWorld(`${options.scenario}/${options.seed}`, { unseen: options.unseen, proxied, ...(settings === undefined ? {} : { settings }) })
  return { options, world, ...scenario.draw(world, options) }
}
