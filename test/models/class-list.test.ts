import t from 'tap'
import { readOwn, withOwn } from '../../models/training/class-list.ts'
import { CLASSES } from '../../src/core/classes.ts'

t.test('a class of one\'s own is named with its ATT&CK technique, or without one', async (t) => {
  const own = readOwn(['BEACON=T1071.001 Web Protocols', 'TUNNEL', 'FLOOD=T1498 Network Denial of Service: Reflection'])
  t.strictSame(own, {
    names: ['BEACON', 'TUNNEL', 'FLOOD'],
    techniques: { BEACON: { id: 'T1071.001', name: 'Web Protocols' }, FLOOD: { id: 'T1498', name: 'Network Denial of Service: Reflection' } },
  })
  t.strictSame(withOwn(own.names), [...CLASSES, 'BEACON', 'TUNNEL', 'FLOOD'])
})

t.test('what is no technique is refused with what to write, and so is one for a shipped class', async (t) => {
  for (const flag of ['BEACON=', 'BEACON=T1071', 'BEACON=T107 Web', 'BEACON=T1071.1 Web', 'BEACON=1071 Web', 'BEACON=T1071  Web', 'BEACON=T1071 Wëb', `BEACON=T1071 ${'x'.repeat(101)}`]) {
    t.throws(() => readOwn([flag]), { code: 'USAGE', message: '--class "BEACON=T1071.001 Web Protocols", or --class BEACON without one' }, flag)
  }
  t.throws(() => readOwn(['PORT_SCAN=T1046 Network Service Discovery']), { code: 'USAGE', message: /comes with this program, and its technique with it; leave the flag out/ })
})
