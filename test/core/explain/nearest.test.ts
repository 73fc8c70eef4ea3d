import t from 'tap'
import { describe, nearestOf, type Prototypes } from '../../../src/core/explain/nearest.ts'
import { CONTEXT_COLUMNS } from '../../../src/core/tensor/context.ts'
import { FEATURES } from '../../../src/core/window/window.ts'
import { tensorWith } from './toy-scorer.ts'

const plain = (columns: number, silenced: readonly number[] = []) => ({ mean: Array<number>(columns).fill(0), scale: Array.from({ length: columns }, (_, column) => silenced.includes(column) ? 0 : 1) })
const none: Prototypes = { tensorScaling: plain(FEATURES.length, [FEATURES.indexOf('iat_mean_ms')]), contextScaling: plain(CONTEXT_COLUMNS.length), usualContext: {}, examples: [] }
const context = new Float32Array(CONTEXT_COLUMNS.length)
const example = (tool: string, tensor: Float32Array) => ({ class: 'PORT_SCAN', tool, run: 'r1', usualDistance: 0.5, at: [...describe(none, tensor, context)] })

const [few, many] = [tensorWith({ flow_count: 3 }), tensorWith({ flow_count: 90, unique_ports: 90 })]
const prototypes: Prototypes = { ...none, examples: [example('nc -z', few), example('nmap -sS', many)] }

t.test('the example that is most like it is found, and how far it is', (t) => {
  t.match(nearestOf(prototypes, tensorWith({ flow_count: 80, unique_ports: 80 }), context), { class: 'PORT_SCAN', tool: 'nmap -sS', run: 'r1', usualDistance: 0.5 })
  t.equal(nearestOf(prototypes, few, context)?.distance, 0)
  t.equal(nearestOf(none, few, context), null)
  t.end()
})

t.test('when it happened makes no difference, and neither does what the model does not read', (t) => {
  const earlier = new Float32Array(few.length)
  earlier.set(few.subarray(19 * FEATURES.length), 4 * FEATURES.length)
  t.equal(nearestOf(prototypes, earlier, context)?.distance, 0)
  t.equal(nearestOf(prototypes, tensorWith({ flow_count: 3, iat_mean_ms: 500 }), context)?.distance, 0)
  t.end()
})

t.test('a tensor of silence is described, too', (t) => {
  t.ok(Number.isFinite(nearestOf(prototypes, new Float32Array(few.length), context)?.distance))
  t.end()
})
