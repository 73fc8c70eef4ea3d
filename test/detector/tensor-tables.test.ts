import t from 'tap'
import { TENSOR_SIZE } from '../../src/core/tensor/tensor-table.ts'
import { TensorTables } from '../../src/detector/tensor-tables.ts'
import { syntheticWindow } from '../core/tensor/synthetic-window.ts'

const scan = (index: number) => syntheticWindow({ key: { kind: 'pair', source: '10.0.0.1', destination: `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}` }, number: 1 })
const window = (number: number) => syntheticWindow({ number, features: { flow_count: number } })

t.test('a pod that talks to tens of thousands of addresses costs few others their history', async (t) => {
  const tables = new TensorTables(4_096)
  const lanes = Array.from({ length: 64 }, (_, index) => `pod-${index}`)
  for (const lane of lanes) tables.push(lane, false, window(1))
  for (let index = 0; index < 20_000; index++) tables.push('scanner', false, scan(index))
  const kept = lanes.filter((lane) => {
    const tensor = new Float32Array(TENSOR_SIZE)
    tables.push(lane, false, window(2))?.writeTensor(tensor, 0)
    return tensor[18 * 12] === 1
  })
  t.ok(kept.length >= 50, `${kept.length} of 64 keep it`)
  t.ok(tables.size <= 4_096)
  t.ok(tables.evicted > 19_000)
})

t.test('a replay has all the room for itself, and takes none from live pods', async (t) => {
  const tables = new TensorTables(1_600)
  tables.push('pod', false, window(1))
  for (let index = 0; index < 1_600; index++) tables.push('replay', true, scan(index))
  t.equal(tables.size, 1_601)
  t.equal(tables.evicted, 0)
})
