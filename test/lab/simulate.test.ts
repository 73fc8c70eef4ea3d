import { join } from 'node:path'
import t from 'tap'
import { autoshield } from '../program.ts'
import { skipWithout } from '../setup/tools.ts'
import { ATTACK_TOOLS } from './attacks/catalogue.ts'
import { missingForLab } from './lab.ts'
import { SERVERS } from './servers/servers.ts'

t.setTimeout(240_000)

const skip = skipWithout(missingForLab([...ATTACK_TOOLS, ...Object.values(SERVERS).flatMap(({ tools }) => [...tools])]))
const PORTS = ['--dashboard-port', '18481', '--api-port', '18400']

t.test('simulate attacks with real tools and shows what the loop made of it', { skip }, async (t) => {
  const { status, stdout, stderr } = await autoshield(['simulate', '--scenario', 'port-scanning', '--duration', '20', '--data', join(t.testdir(), 'data'), ...PORTS])
  t.equal(status, 0, `${stdout}\n${stderr}`)
  t.match(stdout, /ATTACK {5}PORT_SCAN: .* by /)
  t.match(stdout, /DETECTION {2}PORT_SCAN/)
  t.match(stdout, /decision {3}simulate network_policy \[ActuationDisabled\]/)
  t.match(stdout, /\nATTACK +TOOL +FROM +FOUND AFTER .*\nPORT_SCAN .* s .* simulate network_policy/)
})

t.test('simulate says what it cannot do', { skip }, async (t) => {
  const unknown = await autoshield(['simulate', '--scenario', 'nothing'])
  t.not(unknown.status, 0)
  t.match(unknown.stderr, /no scenario 'nothing'; there are: .*port-scan/)
  const neither = await autoshield(['simulate'])
  t.equal(neither.status, 64)
  t.match(neither.stderr, /--type lateral-movement/)
})
