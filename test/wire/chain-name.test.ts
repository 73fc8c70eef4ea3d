import t from 'tap'
import { httpChainName, parseChainName, peerChainName, synLimitName } from '../../src/wire/chain-name.ts'

t.test('what is written is read as it was', async (t) => {
  for (const side of ['source', 'destination'] as const) {
    for (const address of ['10.0.0.9', 'fd00::5', '::ffff:10.0.0.9']) {
      for (const port of [null, 1, 65_535]) t.strictSame(parseChainName(peerChainName({ side, address, port })), { kind: 'peer', side, address, port })
    }
  }
  for (const limit of [{ ports: 'any', rate: 200, burst: 400 }, { ports: [80, 443], rate: 0.5, burst: 1 }] as const) t.strictSame(parseChainName(synLimitName(limit)), { kind: 'syn-limit', ...limit })
  t.strictSame(parseChainName(httpChainName(8080)), { kind: 'http', port: 8080 })
})

t.test('all else names nobody', async (t) => {
  for (const name of ['', 'default', 'loop-guard', 'source/', 'source/$(reboot)', 'source/10.0.0.9/port/', 'destination/10.0.0.9/port/1/2', 'http/', 'http/x', 'syn-limit/any/1', 'syn-limit/any/1/x', 'syn-limit/80,/1/1', 'syn-limit/any; flush ruleset/1/1']) t.equal(parseChainName(name), null, name)
})
