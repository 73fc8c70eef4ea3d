import t from 'tap'
import { originOf } from '../../../src/core/model/origin.ts'

t.test('where a model comes from follows the table, row by row', async (t) => {
  const any = { isShipped: [true, false], unsigned: ['allow', 'refuse'] } as const
  for (const isShipped of any.isShipped) {
    for (const unsigned of any.unsigned) {
      t.equal(originOf({ signature: 'wrong', isShipped, unsigned }), 'wrong-signature')
      t.equal(originOf({ signature: 'good', isShipped, unsigned }), 'signed')
    }
  }
  for (const unsigned of any.unsigned) {
    t.equal(originOf({ signature: 'unknown-key', isShipped: true, unsigned }), 'shipped')
    t.equal(originOf({ signature: 'unknown-key', isShipped: false, unsigned }), 'unknown-key')
    t.equal(originOf({ signature: 'none', isShipped: true, unsigned }), 'shipped')
  }
  t.equal(originOf({ signature: 'none', isShipped: false, unsigned: 'allow' }), 'unsigned-allowed')
  t.equal(originOf({ signature: 'none', isShipped: false, unsigned: 'refuse' }), 'unsigned')
})
