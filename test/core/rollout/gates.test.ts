import fc from 'fast-check'
import t from 'tap'
import { gatesOf } from '../../../src/core/rollout/gates.ts'
import { step } from '../../../src/core/rollout/step.ts'
import { AT_MS, good, madePolicy } from './made-policy.ts'

const group = fc.record({ pods: fc.nat(4), attempts: fc.nat(3_000), failed: fc.nat(3), tried: fc.nat(30), stopped: fc.nat(4) })
const seen = fc.record({ enforcing: group, others: group, podsSeen: fc.nat(8), inSync: fc.nat(8), refused: fc.boolean(), agedMs: fc.nat(1_200_000), good: fc.boolean() })
const place = fc.constantFrom({ stage: 'observe', share: 0 } as const, { stage: 'shadow', share: 0 } as const, { stage: 'canary', share: 10 } as const)

t.test('all gates are met exactly where a rollout that nobody holds goes on, and trouble is what takes it back or holds it', async (t) => {
  const tally = { promote: 0, trouble: 0, waits: 0 }
  t.doesNotThrow(() => fc.assert(fc.property(place, seen, (position, { enforcing, others, podsSeen, inSync, refused, agedMs, good: fine }) => {
    const evidence = fine ? good({ enforcing: { tried: enforcing.tried, stopped: enforcing.stopped } }) : { enforcing, others, podsSeen, inSync, ...(refused && { refusal: 'duplicate' }) }
    const policy = madePolicy({ ...position, evidence })
    const states = gatesOf(policy, AT_MS + agedMs).map(({ state }) => state)
    const { kind } = step(policy, evidence, AT_MS + agedMs)
    tally[kind === 'promote' ? 'promote' : kind === 'stay' ? 'waits' : 'trouble']++
    return states.every((state) => state === 'met') === (kind === 'promote') && states.includes('trouble') === (kind === 'pause' || kind === 'roll-back')
  }), { numRuns: 600 }))
  t.ok(Math.min(...Object.values(tally)) > 20, JSON.stringify(tally))
})

t.test('each gate says its figure', async (t) => {
  const policy = madePolicy({ stage: 'canary', share: 10, evidence: good({ enforcing: { stopped: 9 } }) })
  t.strictSame(gatesOf(policy, AT_MS + 60_000), [
    { name: 'Proxies in sync', state: 'met', figure: '10 of 10 have taken their newest configuration' },
    { name: 'Long enough', state: 'missing', figure: '60 of 600 s' },
    { name: 'Enough traffic', state: 'met', figure: '5000 of 1000 legitimate connections seen' },
    { name: 'At enough pods', state: 'met', figure: 'seen at 10 of 10 pods, 5 needed' },
    { name: 'A control group', state: 'met', figure: '1000 connections to enforcing pods, 4000 to the others' },
    { name: 'Something was stopped', state: 'met', figure: '20 of 10 attempts met a restriction of it at enforcing pods' },
    { name: 'Legitimate traffic passes', state: 'trouble', figure: '9 legitimate attempts stopped or to be stopped, at most 5 may be' },
    { name: 'No proxy refused it', state: 'met', figure: 'none did' },
    { name: 'Errors no higher', state: 'met', figure: '10 of 1000 failed at enforcing pods, 40 of 4000 at the others' },
  ])
})
