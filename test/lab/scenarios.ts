import type { AttackClass } from '../../src/core/classes.ts'
import { ATTACKS } from './attacks/catalogue.ts'
import type { AttackPlan, Manner, Variant } from './attacks/plan.ts'
import { sentAs } from './attacks/sent-as.ts'
import { drawBenign } from './benign/catalogue.ts'
import type { Load } from './benign/kind.ts'
import type { World } from './draw-world.ts'
import { HELD_OUT_SERVICES } from './settings.ts'
import type { Proxied, Settings } from './settings.ts'
import { drawStory, STORY_SETTINGS } from './story.ts'

/** An attack and when it begins, in seconds after the capture. */
export interface Scheduled { atSeconds: number, plan: AttackPlan }

export interface DrawOptions {
  seconds: number
  /** Takes the tools in turn, beginning here, where chance would repeat one and leave out another. */
  turn?: number
  /** How many pieces of ordinary traffic, where the seed does not draw it. */
  loads?: number
}

export interface Scenario {
  about: string
  /** How long a run of it is, beside the others. */
  length: number
  /** Pods that are behind a redirecting Envoy. */
  proxied?: Exclude<Proxied, 'none'>
  /** The laboratory's settings, where the seed does not draw them. */
  settings?: Settings
  draw: (world: World, options: DrawOptions) => { loads: Load[], attacks: Scheduled[] }
}

/** Runs of one class have up to three attacks: the next run goes on after those. */
const TURN_STEP = 4

/** Of the class's tools, those that the run may have, used in the given manner (null: any that is not slow, which takes longer than a run). */
function variantsOf (world: World, attackClass: AttackClass, manner: Manner | null): readonly Variant[] {
  const ofManner = ATTACKS[attackClass].filter(({ manner: own = 'plain' }) => manner === null ? own !== 'slow' : own === manner)
  const known = ofManner.filter((variant) => !isHeldOut(variant))
  // Not always: a known tool at new parameters is worth asking about, too.
  if (!world.unseen || !world.random.chance(0.6)) return known
  const unknown = ofManner.filter(isHeldOut)
  return unknown.length > 0 ? unknown : known
}

export const isHeldOut = ({ heldOut, service }: Variant): boolean => heldOut || HELD_OUT_SERVICES.includes(service)

/** An attack that the run can use; whoever refuses one gets another draw. */
type Fits = (world: World, plan: Pick<AttackPlan, 'legs' | 'command' | 'attackers'>) => boolean
const always: Fits = () => true
/** Draws for each variant before it is given up that none fits. */
const DRAWS = 12

/**
 * An end of the attack is behind a proxy. Who makes TCP packets of their own is not: where a pod's own connections are redirected, such
 * packets end at its Envoy, and nothing of the attack leaves the pod.
 */
const throughProxy: Fits = ({ settings, pod }, plan) => {
  const proxied = new Set(settings.proxied.flatMap((name) => pod(name).addresses))
  if (sentAs(plan) === 'raw packets' && plan.legs.some(({ protocol }) => protocol === 'tcp') && plan.attackers.some(({ address }) => proxied.has(address))) return false
  return plan.legs.some(({ source, destination }) => (source !== null && proxied.has(source)) || proxied.has(destination))
}

function drawAttack (world: World, attackClass: AttackClass, index: number, manner: Manner | null, { turn }: DrawOptions, fits = always): AttackPlan {
  const variants = variantsOf(world, attackClass, manner)
  const first = turn === undefined ? world.random.integer(0, variants.length - 1) : turn * TURN_STEP + index
  const most = variants.length * (fits === always ? 1 : DRAWS)
  for (let more = 0; more < most; more++) {
    const variant = variants[(first + more) % variants.length]
    const before = world.files.length
    const plan = variant?.draw(world)
    if (plan != null && !fits(world, plan)) {
      world.files.length = before
      continue
    }
    if (variant !== undefined && plan != null) return { ...plan, service: variant.service, manner: variant.manner ?? 'plain' }
  }
  throw new RangeError(`${attackClass} has no ${manner ?? ''} attack that this laboratory can carry out`)
}

/** What a tool takes at least to get somewhere. */
const SHORTEST_PART = 8

/** Attacks of the given classes, or of as many as the run has time for, each beginning in its own part of it, early enough to get somewhere. */
function oneByOne (world: World, wanted: readonly AttackClass[], options: DrawOptions, fits: Fits = always): Scheduled[] {
  const classes = wanted.slice(0, Math.max(1, Math.floor((options.seconds - 4) / SHORTEST_PART)))
  const part = (options.seconds - 4) / classes.length
  return classes.map((attackClass, index) => {
    const plan = drawAttack(world, attackClass, index, null, options, fits)
    const late = world.random.float() * Math.min(10, part / 4)
    return { atSeconds: 3 + index * part + late, plan: { ...plan, seconds: Math.max(2, Math.min(plan.seconds, Math.floor(part - late))) } }
  })
}

/** Attacks that go on at one time, each beginning somewhere in the first third. */
function together (world: World, classes: readonly AttackClass[], options: DrawOptions, manner: Manner | null = null): Scheduled[] {
  return classes.map((attackClass, index) => {
    const plan = drawAttack(world, attackClass, index, manner, options)
    const atSeconds = 2 + world.random.float() * Math.min(60, options.seconds / 3)
    return { atSeconds, plan: { ...plan, seconds: Math.max(2, Math.min(plan.seconds, Math.floor(options.seconds - atSeconds - 1))) } }
  })
}

/** The ordinary traffic of a run, and that which its attacks hide under. */
const withCover = (loads: Load[], attacks: Scheduled[]) => ({ loads: [...loads, ...attacks.flatMap(({ plan }) => plan.cover ?? [])], attacks })

const CLASSES = Object.keys(ATTACKS) as AttackClass[]
const BEHIND_PROXY: readonly AttackClass[] = ['PORT_SCAN', 'BRUTE_FORCE', 'LATERAL_MOVEMENT', 'DATA_EXFILTRATION']

const attacksOf = (attackClass: AttackClass, most: number): Scenario => ({
  about: `1 to ${most} attacks of ${attackClass} amid ordinary traffic`,
  length: 1,
  draw: (world, options) => withCover(
    drawBenign(world, options.loads ?? world.random.integer(3, 9)),
    oneByOne(world, Array.from({ length: world.random.integer(1, most) }, () => attackClass), options)),
})

export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  benign: { about: 'ordinary traffic of many kinds, no attack', length: 1.5, draw: (world, options) => ({ loads: drawBenign(world, options.loads ?? world.random.integer(8, 16)), attacks: [] }) },
  'look-alikes': { about: 'ordinary traffic that looks like attacks, at their rates; no attack', length: 1.5, draw: (world, options) => ({ loads: drawBenign(world, options.loads ?? world.random.integer(5, 12), 'look-alikes'), attacks: [] }) },
  'port-scan': attacksOf('PORT_SCAN', 3),
  'syn-flood': attacksOf('SYN_FLOOD', 3),
  'brute-force': attacksOf('BRUTE_FORCE', 2),
  'lateral-movement': attacksOf('LATERAL_MOVEMENT', 2),
  'data-exfiltration': attacksOf('DATA_EXFILTRATION', 2),
  slow: {
    about: '2 to 4 attacks at one time that are slow: a probe or a guess a minute, drips, weak floods, silent hops',
    length: 16,
    draw: (world, options) => withCover(drawBenign(world, options.loads ?? world.random.integer(2, 6)), together(world, world.random.sample(CLASSES, world.random.integer(2, 4)), options, 'slow')),
  },
  evasive: {
    about: '1 to 3 attacks that are spread, padded, or hidden under the load of the same pair',
    length: 1.5,
    draw: (world, options) => withCover(drawBenign(world, options.loads ?? world.random.integer(3, 8)), together(world, world.random.sample(CLASSES.filter((name) => ATTACKS[name].some((variant) => variant.manner === 'evasive' && !isHeldOut(variant))), world.random.integer(1, 3)), options, 'evasive')),
  },
  overlapping: {
    about: '2 or 3 attacks of different classes at one time',
    length: 1,
    draw: (world, options) => withCover(drawBenign(world, options.loads ?? world.random.integer(3, 8)), together(world, world.random.sample(CLASSES, world.random.integer(2, 3)), options)),
  },
  proxied: {
    about: '1 or 2 attacks on pods behind a redirecting Envoy, where closed ports look open',
    length: 1,
    proxied: 'most',
    draw: (world, options) => withCover(drawBenign(world, options.loads ?? world.random.integer(3, 8)), oneByOne(world, world.random.sample(BEHIND_PROXY, world.random.integer(1, 2)), options)),
  },
  'behind-proxies': {
    about: '2 attacks, all pods inside behind a redirecting Envoy; what three sources see of them: sources',
    length: 1,
    proxied: 'all',
    draw: (world, options) => withCover(drawBenign(world, options.loads ?? world.random.integer(3, 8)), oneByOne(world, world.random.sample(world.random.chance(0.2) ? CLASSES : BEHIND_PROXY, 2), options, throughProxy)),
  },
  mixed: {
    about: '2 or 3 attacks of different classes, one after the other, amid ordinary traffic',
    length: 1.2,
    draw: (world, options) => withCover(
      drawBenign(world, options.loads ?? world.random.integer(4, 10)),
      oneByOne(world, world.random.sample(CLASSES, world.random.integer(2, 3)), options)),
  },
  story: { about: 'the default replay: a small shop at work, and one pod that scans, guesses, moves on, takes data out and floods', length: 1, settings: STORY_SETTINGS, draw: drawStory },
}
