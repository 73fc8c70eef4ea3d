import { FEATURES, type FeatureName } from '../window/window.ts'

/** Buckets of a feature; each but the first begins at about twice the value of the one before. `models/training/known.py` has the same. */
export const BUCKETS = 32

/** Seconds and shares are small numbers: they are counted in thousandths and hundredths. */
const SCALE: Readonly<Partial<Record<FeatureName, number>>> = { duration_s: 1000, failed_conn_ratio: 100 }
const SCALES = FEATURES.map((feature) => SCALE[feature] ?? 1)

/** Counts of a histogram a feature: [12 x 32], row-major. */
export const HISTOGRAMS = FEATURES.length * BUCKETS

/** Bucket of a value of the feature in `column`, in the feature's own unit. */
export const bucketOf = (column: number, value: number): number =>
  Math.min(BUCKETS - 1, Math.floor(Math.log2(1 + (SCALES[column] ?? 1) * Math.max(0, value))))

/** Where a bucket begins, in the feature's own unit. */
export const bucketStart = (column: number, bucket: number): number => (2 ** bucket - 1) / (SCALES[column] ?? 1)
