import { attackersBeside } from './plan.ts'
import type { Variant } from './plan.ts'
import { COMMON, drawTargets, list, scan } from './port-scan.ts'

/** For what takes as long as the run does. */
const AS_LONG_AS_IT_MAY = 3600

/** Scans that no short window shows: slow ones, and ones of which each source sees only a part. */
export const SLOW_SCANS: readonly Variant[] = [
  {
    name: 'nmap-slow',
    heldOut: false,
    manner: 'slow',
    service: 'any',
    draw: (world) => {
      const { random } = world
      const { attacker, targets } = drawTargets(world, 1)
      const delayMs = random.magnitude(80, 3000)
      return scan({ tool: 'nmap slow', attacker, targets, seconds: random.integer(40, 400), rate: 1000 / delayMs, command: `nmap -n -Pn -s${random.pick(['S', 'T'])} --scan-delay ${delayMs}ms --max-retries 0 -p ${random.chance(0.4) ? COMMON : '1-1000'} ${list(targets)}` })
    },
  },
  {
    // One probe every ten seconds to every minute.
    name: 'nmap-a-minute',
    heldOut: false,
    manner: 'slow',
    service: 'any',
    draw: (world) => {
      const { random } = world
      const { attacker, targets } = drawTargets(world, 2)
      const delay = random.magnitude(10, 60)
      return scan({ tool: 'nmap a minute', attacker, targets, seconds: AS_LONG_AS_IT_MAY, rate: 1 / delay, command: `nmap -n -Pn -s${random.pick(['S', 'T'])} --scan-delay ${delay}s --max-retries 0 -p ${COMMON} ${list(targets)}` })
    },
  },
  {
    name: 'nc-slow',
    heldOut: true,
    manner: 'slow',
    service: 'any',
    draw: (world) => {
      const { random } = world
      const { attacker, targets } = drawTargets(world, 2)
      const gap = random.magnitude(1, 40)
      return scan({ tool: 'nc slow', attacker, targets, seconds: AS_LONG_AS_IT_MAY, rate: 1 / gap, command: `for p in $(echo ${COMMON} | tr , '\\n' | shuf); do for a in ${list(targets)}; do nc -z -n -w 1 $a $p 2>/dev/null; sleep ${gap}; done; done` })
    },
  },
  {
    name: 'nmap-split',
    heldOut: false,
    manner: 'evasive',
    service: 'any',
    draw: (world) => {
      const { random } = world
      const { targets } = drawTargets(world, 2)
      const [attacker, ...others] = attackersBeside(world, random.integer(2, 5), ...targets)
      if (attacker === undefined) return null
      const rate = world.rate(2, 800)
      const ports = random.magnitude(30, 400)
      return scan({ tool: 'nmap split', attacker, others, targets, seconds: 60, rate, command: `nmap -n -Pn -sS --randomize-hosts --max-rate ${rate} --max-retries 0 -p $((1 + SHARE * ${ports}))-$(((SHARE + 1) * ${ports})) ${list(targets)}` })
    },
  },
]
