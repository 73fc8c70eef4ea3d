import t from 'tap'
import { drawWorld } from '../draw-world.ts'
import { ATTACKS } from './catalogue.ts'
import { sentAs } from './sent-as.ts'

const world = () => drawWorld('sent-as', { unseen: true, proxied: 'none' })

t.test('of every tool it is known what it sends', async (t) => {
  const drawn = Object.values(ATTACKS).flat().map((variant) => ({ variant, plan: variant.draw(world()) }))
  const of = (kind: string) => drawn.filter(({ plan }) => plan !== null && sentAs(plan) === kind).map(({ variant }) => variant.name)
  for (const name of ['masscan', 'nmap-syn', 'nmap-stealth', 'nmap-udp', 'nmap-sweep', 'hping3-spoofed', 'nping', 'hping3 icmp file']) t.ok(of('raw packets').includes(name), name)
  for (const name of ['nmap-connect', 'nc', 'shell-loop', 'hydra postgres', 'sshpass loop', 'worm', 'curl chunks', 'socat tls']) t.ok(of('connections').includes(name), name)
  for (const name of ['dig queries', 'iodine', 'dns2tcp', 'ping data']) t.ok(of('no TCP').includes(name), name)
  for (const { plan } of drawn) if (plan !== null && plan.class !== 'DATA_EXFILTRATION' && plan.class !== 'PORT_SCAN' && plan.class !== 'SYN_FLOOD') t.equal(sentAs(plan), 'connections', plan.tool)
})

t.test('a scan that connects is one whatever stands before or behind', async (t) => {
  const legs = [{ source: '10.0.0.1', destination: '10.0.0.2', protocol: 'tcp' as const, ports: null }]
  t.equal(sentAs({ legs, command: 'nmap -n -Pn -sT --max-rate 20 -p 1-900 10.0.0.2' }), 'connections')
  t.equal(sentAs({ legs, command: 'nmap -n -Pn -sS --max-rate 20 -p 1-900 10.0.0.2' }), 'raw packets')
  t.equal(sentAs({ legs, command: 'nmap -n -Pn -sV --version-light 10.0.0.2' }), 'raw packets', 'it looks for open ports before it connects')
})
