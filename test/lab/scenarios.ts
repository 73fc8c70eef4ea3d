import type { AttackClass } from '../../src/core/classes.ts'
import { ATTACKS } from './attacks/catalogue.ts'
import type { AttackPlan, Variant } from './attacks/plan.ts'
import { drawBenign } from './benign.ts'
import type { Load } from './benign.ts'
import type { Random } from './random.ts'
import { drawStory, STORY_SETTINGS } from './story.ts'
import type { Settings, World } from './world.ts'

/** An attack and when it begins, in seconds after the capture. */
export interface Scheduled { atSeconds: number, plan: AttackPlan }

export interface DrawOptions {
  seconds: number
  /** Draws mostly tools that training runs lack. */
  unseenTools: boolean
  /** Takes the tools in turn, beginning here, where chance would repeat one and leave out another. */
  turn?: number
  /** How many pieces of ordinary traffic, where the seed does not draw it. */
  loads?: number
}

export interface Scenario {
  about: string
  /** The laboratory's settings, where the seed does not draw them. */
  settings?: Settings
  draw: (world: World, options: DrawOptions) => { loads: Load[], attacks: Scheduled[] }
}

/** Runs of one class have up to three attacks: the next run goes on after those. */
const TURN_STEP = 4

function drawVariant (random: Random, attackClass: AttackClass, index: number, { unseenTools, turn }: DrawOptions): Variant {
  const all = ATTACKS[attackClass]
  // Not always: a known tool at new parameters is worth asking about, too.
  const heldOut = unseenTools && random.chance(0.6)
  const variants = all.filter((variant) => variant.heldOut === heldOut)
  return turn === undefined ? random.pick(variants) : variants[(turn * TURN_STEP + index) % variants.length] ?? random.pick(variants)
}

/** `count` attacks of the given classes, each beginning in its own part of the run, early enough to get somewhere. */
function schedule (world: World, classes: readonly AttackClass[], options: DrawOptions): Scheduled[] {
  const { random } = world
  const part = (options.seconds - 8) / classes.length
  return classes.map((attackClass, index) => {
    const plan = drawVariant(random, attackClass, index, options).draw(world)
    const late = random.float() * Math.min(10, part / 4)
    return { atSeconds: 5 + index * part + late, plan: { ...plan, seconds: Math.min(plan.seconds, Math.floor(part - late)) } }
  })
}

const attacksOf = (attackClass: AttackClass, most: number): Scenario => ({
  about: `1 to ${most} attacks of ${attackClass} amid ordinary traffic`,
  draw: (world, options) => ({
    loads: drawBenign(world, options.loads ?? world.random.integer(3, 9)),
    attacks: schedule(world, Array.from({ length: world.random.integer(1, most) }, () => attackClass), options),
  }),
})

const CLASSES = Object.keys(ATTACKS) as AttackClass[]

export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  benign: { about: 'ordinary traffic of many kinds, no attack', draw: (world, options) => ({ loads: drawBenign(world, options.loads ?? world.random.integer(8, 16)), attacks: [] }) },
  'port-scan': attacksOf('PORT_SCAN', 3),
  'syn-flood': attacksOf('SYN_FLOOD', 3),
  'brute-force': attacksOf('BRUTE_FORCE', 2),
  'lateral-movement': attacksOf('LATERAL_MOVEMENT', 2),
  'data-exfiltration': attacksOf('DATA_EXFILTRATION', 2),
  story: { about: 'the default replay: a small shop at work, and one pod that scans, guesses, moves on, takes data out and floods', settings: STORY_SETTINGS, draw: drawStory },
  mixed: {
    about: '2 or 3 attacks of different classes amid ordinary traffic',
    draw: (world, options) => ({
      loads: drawBenign(world, options.loads ?? world.random.integer(4, 10)),
      attacks: schedule(world, world.random.sample(CLASSES, world.random.integer(2, 3)), options),
    }),
  },
}
