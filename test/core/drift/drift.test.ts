import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { parseManifest } from '../../../src/adapters/onnx/manifest.ts'
import { BUCKETS, bucketOf, bucketStart, HISTOGRAMS } from '../../../src/core/drift/buckets.ts'
import { rareShare } from '../../../src/core/drift/rare-share.ts'
import { addCounts, driftOf, loadTraffic, saveTraffic, unfamiliarOf, type Traffic, type WindowCounts } from '../../../src/core/drift/drift.ts'
import type { Known } from '../../../src/core/drift/known.ts'
import { FEATURES } from '../../../src/core/window/window.ts'

const HOUR_MS = 3_600_000
const NOW_MS = 100 * 6 * HOUR_MS

/** All of the model's windows were in the second bucket of each feature; it does not read the last. */
const known: Known = { shares: FEATURES.map((_, column) => column === FEATURES.length - 1 ? [] : [0, 1]), limit: 0.3 }

function counts (windows: number, bucket: (column: number) => number, namespace = 'shop'): WindowCounts {
  const buckets = new Uint32Array(HISTOGRAMS)
  for (let column = 0; column < FEATURES.length; column++) buckets[column * BUCKETS + bucket(column)] = windows
  return { namespace, windows, buckets }
}

t.test('a value is in the bucket that begins at or below it', (t) => {
  fc.assert(fc.property(fc.nat(FEATURES.length - 1), fc.double({ min: 0, max: 1e8, noNaN: true }), (column, value) => {
    const bucket = bucketOf(column, value)
    return bucketStart(column, bucket) <= value * (1 + 1e-12) && (bucket === BUCKETS - 1 || value < bucketStart(column, bucket + 1) * (1 + 1e-12))
  }))
  t.equal(bucketOf(FEATURES.indexOf('duration_s'), 0.001), 1, 'milliseconds are told apart')
  t.equal(bucketOf(0, Number.MAX_VALUE), BUCKETS - 1)
  t.end()
})

t.test('what training hardly had is counted, however different the rest is', (t) => {
  t.equal(rareShare([0, 1], [0.5, 0.2, 0.3]), 0, 'one thing alone, which training knew')
  t.equal(rareShare([0.25, 0.25, 0.25, 0.25], [0.9, 0.0999, 0.0001]), 0.5, 'hardly and never')
  t.end()
})

t.test('a namespace is learnt first, then familiar or not by the feature with the most that training hardly had', (t) => {
  const traffic: Traffic = new Map()
  t.equal(driftOf(traffic, 'shop', known), null)
  addCounts(traffic, counts(199, () => 5), NOW_MS)
  t.match(driftOf(traffic, 'shop', known), { standing: 'learning', windows: 199 })
  addCounts(traffic, counts(1, () => 5), NOW_MS)
  const drift = driftOf(traffic, 'shop', known)
  t.match(drift, { standing: 'unfamiliar', unknown: 1, limit: 0.3 })
  t.equal(drift?.features.length, FEATURES.length - 1)
  t.match(drift === null ? null : unfamiliarOf(drift), { namespace: 'shop', unknown: 1, limit: 0.3 })

  addCounts(traffic, counts(1_000, (column) => column === 3 ? 5 : 1, 'pay'), NOW_MS)
  const one = driftOf(traffic, 'pay', known)
  t.match(one, { standing: 'unfamiliar', features: [{ feature: 'syn_count', unknown: 1, seen: [0, 0, 0, 0, 0, 1], known: [0, 1] }, { unknown: 0 }] })
  addCounts(traffic, counts(3_000, () => 1, 'pay'), NOW_MS)
  const familiar = driftOf(traffic, 'pay', known)
  t.match(familiar, { standing: 'familiar', unknown: 0.25 })
  t.equal(familiar === null ? null : unfamiliarOf(familiar), null)
  t.end()
})

t.test('what is long past counts no more', (t) => {
  const traffic: Traffic = new Map()
  addCounts(traffic, counts(1_000, () => 5), NOW_MS)
  addCounts(traffic, counts(1_000, () => 1), NOW_MS + 6 * HOUR_MS)
  t.equal(driftOf(traffic, 'shop', known)?.windows, 2_000)
  addCounts(traffic, counts(1_000, () => 1), NOW_MS + 12 * HOUR_MS)
  t.match(driftOf(traffic, 'shop', known), { windows: 2_000, standing: 'familiar', unknown: 0 })
  addCounts(traffic, counts(300, () => 1), NOW_MS + 30 * HOUR_MS)
  t.equal(driftOf(traffic, 'shop', known)?.windows, 300)
  t.end()
})

t.test('what was counted goes on after a restart, and is bounded', (t) => {
  const traffic: Traffic = new Map()
  addCounts(traffic, counts(300, () => 2), NOW_MS)
  addCounts(traffic, counts(300, () => 2), NOW_MS + 6 * HOUR_MS)
  const loaded = loadTraffic(saveTraffic(traffic))
  t.strictSame(driftOf(loaded, 'shop', known), driftOf(traffic, 'shop', known))
  for (let number = 0; number < 1_000; number++) addCounts(traffic, counts(1, () => 1, `n${number}`), NOW_MS)
  t.equal(traffic.size, 1_000)
  t.notOk(traffic.has('shop'), 'the one that was quiet longest is forgotten')
  t.end()
})

t.test('the shipped model says what it was trained on, in the buckets that are counted in', (t) => {
  const path = join(import.meta.dirname, '../../../models/manifest.json')
  const manifest = parseManifest(readFileSync(path, 'utf8'), path)
  const shares = manifest.known?.shares ?? []
  for (const [column, feature] of FEATURES.entries()) {
    const sum = (shares[column] ?? []).reduce((total, share) => total + share, 0)
    t.ok(feature.startsWith('iat_') ? sum === 0 : Math.abs(sum - 1) < 1e-3, `${feature}: ${sum}`)
  }
  // Medians of the same rows, made by another program: each lies in the bucket in which half of the windows are reached.
  for (const [column, value] of (manifest.usual['pair/15000'] ?? []).entries()) {
    const own = shares[column] ?? []
    if (own.length === 0) continue
    const bucket = bucketOf(column, value)
    const below = own.slice(0, bucket).reduce((total, share) => total + share, 0)
    t.ok(below <= 0.501 && below + (own[bucket] ?? 0) >= 0.499, `half of the windows reach ${FEATURES[column]} ${value}`)
  }
  t.end()
})
