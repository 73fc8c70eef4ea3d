import type { AttackClass } from '../../src/core/classes.ts'
import { ATTACKS } from './attacks/catalogue.ts'
import type { AttackPlan, Variant } from './attacks/plan.ts'
import { drawBenign } from './benign.ts'
import type { Load } from './benign.ts'
import type { Random } from './random.ts'
import type { World } from './world.ts'

/** An attack and when it begins, in seconds after the capture. */
export interface Scheduled { atSeconds: number, plan: AttackPlan }

export interface Scenario {
  about: string
  draw: (world: World, options: { seconds: number, holdout: boolean }) => { loads: Load[], attacks: Scheduled[] }
}

function drawVariant (random: Random, attackClass: AttackClass, holdout: boolean): Variant {
  const all = ATTACKS[attackClass]
  // Held-out runs mix tools that other runs lack with known tools at new parameters.
  return random.pick(holdout && random.chance(0.6) ? all.filter((variant) => variant.heldOut) : all.filter((variant) => !variant.heldOut))
}

/** `count` attacks of the given classes, each beginning in its own part of the run, early enough to get somewhere. */
function schedule (world: World, classes: readonly AttackClass[], options: { seconds: number, holdout: boolean }): Scheduled[] {
  const { random } = world
  const part = (options.seconds - 8) / classes.length
  return classes.map((attackClass, index) => {
    const plan = drawVariant(random, attackClass, options.holdout).draw(world)
    const late = random.float() * Math.min(10, part / 4)
    return { atSeconds: 5 + index * part + late, plan: { ...plan, seconds: Math.min(plan.seconds, Math.floor(part - late)) } }
  })
}

const attacksOf = (attackClass: AttackClass, most: number): Scenario => ({
  about: `1 to ${most} attacks of ${attackClass} amid ordinary traffic`,
  draw: (world, options) => ({
    loads: drawBenign(world, world.random.integer(3, 9)),
    attacks: schedule(world, Array.from({ length: world.random.integer(1, most) }, () => attackClass), options),
  }),
})

const CLASSES = Object.keys(ATTACKS) as AttackClass[]

export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  benign: { about: 'ordinary traffic of many kinds, no attack', draw: (world) => ({ loads: drawBenign(world, world.random.integer(8, 16)), attacks: [] }) },
  'port-scan': attacksOf('PORT_SCAN', 3),
  'syn-flood': attacksOf('SYN_FLOOD', 3),
  'brute-force': attacksOf('BRUTE_FORCE', 2),
  'lateral-movement': attacksOf('LATERAL_MOVEMENT', 2),
  'data-exfiltration': attacksOf('DATA_EXFILTRATION', 2),
  mixed: {
    about: '2 or 3 attacks of different classes amid ordinary traffic',
    draw: (world, options) => ({
      loads: drawBenign(world, world.random.integer(4, 10)),
      attacks: schedule(world, world.random.sample(CLASSES, world.random.integer(2, 3)), options),
    }),
  },
}
