import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { findTool, program, skipWithout } from '../../setup/tools.ts'

const tools = skipWithout(['ip', 'unshare', 'setpriv'].flatMap((name) => findTool(name).missing ?? []))
const skip = process.getuid?.() === 0 ? tools : 'a network namespace needs root'

const ROOM = fileURLToPath(new URL('../../../sidecar/proxy/return-way.ts', import.meta.url))
const NETWORK = 'ip link set lo up; ip link add eth0 type veth peer name other; ip addr add 10.67.0.1/24 dev eth0; ip link set other up; ip link set eth0 up'
const IPV6 = 'ip -6 addr add fd67::1/64 dev eth0 nodad'
const call = (body: string, as = ''): string => `${as} ${process.execPath} --input-type=module -e "import { openReturnWays, closeReturnWays } from '${ROOM}'; ${body}"`
const OPEN = call('console.log(JSON.stringify(await openReturnWays()))')
const CLOSE = call('await closeReturnWays()')

/** What each line of commands prints in a network of its own that is gone afterwards. */
const inNetwork = (...commands: readonly string[]): string[] => execFileSync(program('unshare'), ['--net', 'bash', '-c', `${commands.join('; ')}; true`], { encoding: 'utf8' }).trim().split('\n')

const RULES = 'ip -4 rule | grep -c fwmark; ip -6 rule | grep -c fwmark'

t.test('the ways are made once, for the families that the pod has addresses of, and made again where they were taken away', { skip }, async (t) => {
  t.strictSame(inNetwork(NETWORK, OPEN, OPEN, RULES), ['{"families":["ip"],"why":""}', '{"families":["ip"],"why":""}', '1', '0'])
  const both = '{"families":["ip","ip6"],"why":""}'
  t.strictSame(inNetwork(NETWORK, IPV6, OPEN, 'ip rule del pref 30', 'ip -6 route flush table 15007', OPEN, RULES), [both, both, '1', '1'])
})

t.test('they lead to the pod what is marked, and nothing else', { skip }, async (t) => {
  const [, marked = '', unmarked = ''] = inNetwork(NETWORK, 'ip route add default via 10.67.0.254', OPEN, 'ip -o route get 10.99.0.1 mark 0x3a9f', 'ip -o route get 10.99.0.1')
  t.match(marked, /^local 10\.99\.0\.1 dev lo table 15007/)
  t.match(unmarked, /^10\.99\.0\.1 via 10\.67\.0\.254 dev eth0/)
})

t.test('nothing is left of them where they are closed, and closing what is not there is no fault', { skip }, async (t) => {
  t.strictSame(inNetwork(NETWORK, IPV6, CLOSE, OPEN, CLOSE, RULES, 'ip route show table 15007 2>&1 | wc -l').slice(1), ['0', '0', '0'])
})

t.test('where another rule takes the answers elsewhere, or none may be made, there is no way', { skip }, async (t) => {
  const [before = ''] = inNetwork(NETWORK, 'ip route add 192.0.0.0/8 dev eth0', 'ip rule add pref 5 from 10.67.0.1 lookup main', OPEN)
  t.strictSame(JSON.parse(before), { families: [], why: 'another rule of IPv4 routing comes first' })
  const [refused = ''] = inNetwork(NETWORK, call('console.log(JSON.stringify(await openReturnWays()))', 'setpriv --bounding-set=-net_admin --inh-caps=-all'))
  t.match(JSON.parse(refused), { families: [], why: /not permitted/ })
})
