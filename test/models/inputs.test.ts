import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import t from 'tap'
import { CONTEXT_COLUMNS } from '../../src/core/tensor/context.ts'
import { TENSOR_SIZE, TensorTable } from '../../src/core/tensor/tensor-table.ts'
import { keyId, type WindowKey } from '../../src/core/window/window.ts'
import { captureWindows } from '../../models/training/capture-windows.ts'

const FIXTURES = join(import.meta.dirname, '../fixtures/captures')

/** A week: no window is cut elsewhere. */
const SHIFT_S = 7 * 86_400

/** Another network with other machines: each address gets other bits, and no header that no feature speaks of stays as it was. */
function disguise (capture: Buffer): Buffer {
  const copy = Buffer.from(capture)
  for (let at = 24; at + 16 <= copy.length;) {
    const ip = at + 16 + 20
    copy.writeUInt32LE(copy.readUInt32LE(at) + SHIFT_S, at)
    if (copy.readUInt16BE(at + 16) === 0x0800) {
      copy.writeUInt32BE(disguised(copy.readUInt32BE(ip + 12)), ip + 12)
      copy.writeUInt32BE(disguised(copy.readUInt32BE(ip + 16)), ip + 16)
      copy.writeUInt8(copy.readUInt8(ip + 1) ^ 0x20, ip + 1) // DSCP, by which the laboratory tells whose a flow is
      copy.writeUInt8(copy.readUInt8(ip + 8) ^ 0x1f, ip + 8) // time to live
      const tcp = ip + (copy.readUInt8(ip) & 15) * 4
      if (copy.readUInt8(ip + 9) === 6 && tcp + 16 <= at + 16 + copy.readUInt32LE(at + 8)) copy.writeUInt16BE(copy.readUInt16BE(tcp + 14) ^ 0x0f0f, tcp + 14) // window
    }
    at += 16 + copy.readUInt32LE(at + 8)
  }
  return copy
}

const disguised = (address: number): number => (address ^ 0x02_51_1d_00) >>> 0
const disguisedText = (text: string): string => text.split('.').map((part, index) => Number(part) ^ ([2, 0x51, 0x1d, 0][index] ?? 0)).join('.')
const disguisedKey = (key: WindowKey): WindowKey => ({ ...key, ...('source' in key ? { source: disguisedText(key.source) } : {}), ...('destination' in key ? { destination: disguisedText(key.destination) } : {}) })

/** All that a model is given, by key, step and window. */
async function inputs (path: string, name: (key: WindowKey) => string, shiftMs: number): Promise<Map<string, Float32Array>> {
  const table = new TensorTable({ capacity: 4096 })
  const rows = new Map<string, Float32Array>()
  for (const window of await captureWindows(path)) {
    const row = new Float32Array(TENSOR_SIZE + CONTEXT_COLUMNS.length)
    const view = table.push('any', window)
    view?.writeTensor(row, 0)
    view?.writeContext(row, TENSOR_SIZE)
    rows.set(`${name(window.key)} ${window.stepMs} ${window.number - shiftMs / window.stepMs}`, row)
  }
  return rows
}

/** Distinct counts are estimates from hashes, so other addresses give slightly other ones. */
const ESTIMATES = ['distinct_ports', 'distinct_peers'].map((column) => TENSOR_SIZE + CONTEXT_COLUMNS.indexOf(column))

for (const name of ['port-scan-9005', 'brute-force-9010', 'syn-flood-9005']) {
  t.test(`no key, address, absolute time or header that no feature speaks of is an input of the model: ${name}`, async (t) => {
    const capture = zstdDecompressSync(readFileSync(join(FIXTURES, `${name}.pcap.zst`)))
    const folder = t.testdir()
    const [plain, other] = [join(folder, 'plain.pcap'), join(folder, 'other.pcap')]
    writeFileSync(plain, capture)
    writeFileSync(other, disguise(capture))
    const before = await inputs(plain, (key) => keyId(disguisedKey(key)), 0)
    const after = await inputs(other, keyId, SHIFT_S * 1000)
    t.same([...after.keys()].sort(), [...before.keys()].sort(), 'the same windows')
    const differing = [...before].flatMap(([id, row]) => {
      const same = after.get(id)
      return row.some((value, column) => Math.abs(value - (same?.[column] ?? NaN)) > Math.max(0.01, value * (ESTIMATES.includes(column) ? 0.15 : 0.001))) ? [id] : []
    })
    t.same(differing, [])
  })
}
