import t from 'tap'
import { Interest } from '../../xds/interest.ts'

const state = (interest: Interest): string => [...interest.wildcard ? ['*'] : [], ...interest.names].join(' ')

// xDS protocol, "How the client specifies what resources to return", the two examples there, and what follows from them.
const SOTW: Record<string, { asks: string[][], then: string[] }> = {
  'the document\'s example': { asks: [[], ['*', 'A'], ['A'], []], then: ['*', '* A', 'A', ''] },
  'naming first ends the legacy wildcard': { asks: [['A'], []], then: ['A', ''] },
  'the wildcard by its name': { asks: [['*'], [], ['*']], then: ['*', '', '*'] },
  'never naming keeps it': { asks: [[], [], []], then: ['*', '*', '*'] },
}
for (const [name, { asks, then }] of Object.entries(SOTW)) {
  t.test(`state of the world: ${name}`, async (t) => {
    const interest = new Interest()
    t.same(asks.map((names) => { interest.replace(names); return state(interest) }), then)
  })
}

const DELTA: Record<string, { asks: [subscribe: string[], unsubscribe: string[]][], then: string[] }> = {
  'the document\'s example': { asks: [[[], []], [['A'], []], [[], ['*']], [[], ['A']]], then: ['*', '* A', 'A', ''] },
  'naming first ends the legacy wildcard': { asks: [[['A'], []], [[], []]], then: ['A', 'A'] },
  'an ACK does not bring an unsubscribed wildcard back': { asks: [[[], []], [[], ['*']], [[], []]], then: ['*', '', ''] },
  'the wildcard by its name': { asks: [[['*', 'A'], []], [[], ['*']], [['*'], []]], then: ['* A', 'A', '* A'] },
  'in both lists: not asked for': { asks: [[['A', 'B'], ['A']]], then: ['B'] },
}
for (const [name, { asks, then }] of Object.entries(DELTA)) {
  t.test(`delta: ${name}`, async (t) => {
    const interest = new Interest()
    t.same(asks.map(([subscribe, unsubscribe]) => { interest.change(subscribe, unsubscribe); return state(interest) }), then)
  })
}

t.test('replacing the names tells which are new', async (t) => {
  const interest = new Interest()
  t.same(interest.replace(['A', 'B']), ['A', 'B'])
  t.same(interest.replace(['B', 'C', '*']), ['*', 'C'])
  t.same(interest.replace(['B']), [])
})
