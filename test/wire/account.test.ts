import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import t from 'tap'
import type { Account } from '../../src/core/explain/account.ts'
import { decodeAccount, encodeAccount } from '../../src/wire/account.ts'
import { ExplainResponseSchema } from '../../src/wire/gen/scores_pb.ts'

const account: Account = {
  evidence: [{ feature: 'unique_ports', value: 214, usual: 1, contribution: 0.9 }],
  path: [{ feature: 'unique_ports', left: 0.06 }],
  windows: [{ window: 19, contribution: 0.4 }],
  counterfactual: { limit: 0.98, probability: 0.97, changes: [{ feature: 'unique_ports', seen: 214, needed: 12 }] },
  nearest: { class: 'PORT_SCAN', tool: 'nmap -sS', run: '0007', distance: 0.4, usualDistance: 0.9 },
}
const sent = (of: Account): Account | null => decodeAccount(fromBinary(ExplainResponseSchema, toBinary(ExplainResponseSchema, encodeAccount(of))))

t.test('an account arrives as it was sent, and what it lacks is lacking', (t) => {
  t.same(sent(account), account)
  t.same(sent({ ...account, counterfactual: null, nearest: null }), { ...account, counterfactual: null, nearest: null })
  t.end()
})

t.test('an answer that names no feature is none', (t) => {
  t.equal(decodeAccount(create(ExplainResponseSchema)), null)
  t.end()
})
