import t from 'tap'
import { redirectRules } from '../../../sidecar/proxy/redirect-rules.ts'
import { skipWithout, findTool, program } from '../../setup/tools.ts'
import { execFileSync } from 'node:child_process'

const plan = {
  inboundPort: 15_006, outboundPort: 15_001, transparent: null, group: 65_533, directPorts: [18_009], node: ['10.0.0.9', 'fd00::9'], directCalls: [{ address: '10.0.0.3', port: 18_001 }, { address: 'fd00::3', port: 18_443 }], synLimits: [],
}
const tools = skipWithout(['nft', 'unshare'].flatMap((name) => findTool(name).missing ?? []))
const skip = process.getuid?.() === 0 ? tools : 'a network namespace needs root'

/** What nft makes of the rules, in a network of its own that is gone afterwards. */
const loaded = (rules: string): string => execFileSync('unshare', ['--net', program('nft'), '-i'], { input: `${rules}\nlist ruleset\n`, encoding: 'utf8' })

t.test('nft takes the rules, for both families, and each direction has its own', { skip }, async (t) => {
  const both = loaded(redirectRules(plan))
  t.match(both, /chain inbound \{\s+type nat hook prerouting priority dstnat; policy accept;\s+iifname "lo" return\s+fib daddr type != local return\s+tcp dport 18009 return\s+ip saddr 10\.0\.0\.9 tcp flags syn \/ fin,syn,rst,ack socket transparent <= 1 redirect to :15006\s+ip saddr 10\.0\.0\.9 return\s+ip6 saddr fd00::9 tcp flags syn \/ fin,syn,rst,ack socket transparent <= 1 redirect to :15006\s+ip6 saddr fd00::9 return\s+tcp flags syn \/ fin,syn,rst,ack redirect to :15006\s+\}/)
  t.match(both, /chain outbound \{[^}]*meta skgid 65533 return\s+oifname "lo" return\s+ip daddr 10\.0\.0\.3 tcp dport 18001 return\s+ip6 daddr fd00::3 tcp dport 18443 return\s+tcp flags syn \/ fin,syn,rst,ack redirect to :15001\s+\}/)
  t.notMatch(loaded(redirectRules({ ...plan, outboundPort: null })), '15001')
  t.notMatch(loaded(redirectRules({ ...plan, inboundPort: null })), '15006')
})

t.test('where answers can be led back, what comes by that family goes to the port that keeps the client\'s address', { skip }, async (t) => {
  const transparent = { port: 15_007, families: ['ip', 'ip6'], older: [] } as const
  const both = loaded(redirectRules({ ...plan, transparent }))
  t.match(both, /ip saddr 10\.0\.0\.9 tcp flags [^\n]* redirect to :15007\s/)
  t.match(both, /ip6 saddr fe80::\/10 tcp flags [^\n]* redirect to :15006\s+meta nfproto ipv6 [^\n]* redirect to :15007\s/)
  t.match(both, /meta nfproto ipv4 [^\n]* redirect to :15007\s/)
  t.match(both, /oif "lo" fib saddr type != local ct original zone set 15007\s/)
  t.match(both, /ct direction reply ct original zone 15007 meta mark set 0x00003a9f\s/)
  const four = loaded(redirectRules({ ...plan, transparent: { ...transparent, families: ['ip'] } }))
  t.match(four, /ip6 saddr fd00::9 [^\n]* redirect to :15006\s/)
  t.notMatch(four, /meta nfproto ipv6/)
  const none = loaded(redirectRules({ ...plan, transparent: { ...transparent, families: [] } }))
  t.notMatch(none, 'redirect to :15007')
  t.match(none, 'ct original zone set 15007', 'open connections keep their way')
})

t.test('new connections beyond a limit are dropped before anything is kept of them, but for the node\'s probes', { skip }, async (t) => {
  const text = loaded(redirectRules({ ...plan, synLimits: [{ ports: 'any', rate: 200, burst: 400.5 }, { ports: [80, 443], rate: 0.5, burst: 0.5 }] }))
  t.match(text, /chain flood \{\s+type filter hook prerouting priority raw; policy accept;\s+iifname "lo" return\s+ip saddr 10\.0\.0\.9 return\s+ip6 saddr fd00::9 return\s+tcp flags syn \/ fin,syn,rst,ack limit rate over 200\/second burst 400 packets counter name "syn-any" drop\s+tcp flags syn \/ fin,syn,rst,ack tcp dport \{ 80, 443 \} limit rate over 30\/minute burst 1 packets counter name tcp dport map \{ 80 : "syn-80", 443 : "syn-443" \} drop\s+\}/)
  t.match(loaded(redirectRules(plan)), /chain flood \{\s+type filter hook prerouting priority raw; policy accept;\s+\}/)
})

t.test('a thousand open connections are named', { skip }, async (t) => {
  const older = Array.from({ length: 1024 }, (_, at) => ({ family: at % 2 === 0 ? 'ip' : 'ip6', address: at % 2 === 0 ? `10.255.${at >> 8}.${at & 255}` : `fd00:1111:2222:3333:4444:5555:6666:${(at + 4096).toString(16)}`, port: 50_000, to: 8080 }) as const)
  const text = loaded(redirectRules({ ...plan, transparent: { port: 15_007, families: ['ip', 'ip6'], older } }))
  t.equal(text.match(/ \. 50000 \. 8080/g)?.length, older.length)
})

t.test('rules that are made to hold again stand once', { skip }, async (t) => {
  t.equal(loaded(`${redirectRules(plan)}\n${redirectRules(plan)}`), loaded(redirectRules(plan)))
})
