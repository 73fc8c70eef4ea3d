import { CONTEXT_COLUMNS } from '../../src/core/tensor/context.ts'
import { TENSOR_SIZE } from '../../src/core/tensor/tensor-table.ts'
import { CLASSES, type AttackClass } from '../../src/core/classes.ts'
import { FEATURES, TENSOR_WINDOWS, type FeatureName } from '../../src/core/window/window.ts'
import type { Scorer } from '../../src/ports/scorer.ts'

/** One row of scorer's input, as a rule reads it. */
interface Facts {
  /** Sum over 10 s (20 windows of 0.5 s), or of the newest window of 15 or 60 s. */
  readonly sum: (feature: FeatureName) => number
  readonly context: (column: string) => number
  /** Distinct ports, or ports and addresses, or sources, of the same span. */
  readonly distinct: number
  /** Share of failed attempts in the newest window with any. */
  readonly failed: number
  readonly seconds: number
}

const isPair = ({ context }: Facts): boolean => context('kind_pair') === 1
const isFanOut = ({ context }: Facts): boolean => context('kind_fan_out') === 1
const atLogin = ({ context }: Facts): boolean => context('port_login') + context('port_files') >= 0.8

/**
 * What a careful admin would write without a model: fixed thresholds on the same windows, chosen before any of the captures was looked at.
 * They stand beside the model in every evaluation.
 */
const RULES: Readonly<Record<AttackClass, (facts: Facts) => boolean>> = {
  PORT_SCAN: (facts) => (isPair(facts) && facts.distinct >= 15 && facts.failed >= 0.5) || (isFanOut(facts) && facts.distinct >= 30 && facts.failed >= 0.5),
  SYN_FLOOD: (facts) => !isFanOut(facts) && facts.sum('syn_count') >= 100 * facts.seconds && facts.sum('ack_count') <= facts.sum('syn_count') && facts.failed >= 0.5,
  BRUTE_FORCE: (facts) => isPair(facts) && (atLogin(facts) || facts.context('port_database') >= 0.8) && facts.seconds >= 10 && facts.sum('flow_count') >= 10 && facts.sum('bytes_sent') <= 5_000 * facts.sum('flow_count'),
  DATA_EXFILTRATION: (facts) => isPair(facts) && facts.sum('bytes_sent') >= 5_000_000 && facts.sum('bytes_sent') >= 5 * facts.sum('bytes_received'),
  LATERAL_MOVEMENT: (facts) => isPair(facts) && atLogin(facts) && facts.sum('flow_count') >= 1 && facts.sum('flow_count') < 10 && facts.sum('bytes_sent') >= 4_000,
}

/** The rules as a scorer: 0.99 for each class whose rule holds, so that everything behind a score is the same as behind the model's. */
export function rulesScorer (): Scorer {
  const columns = CONTEXT_COLUMNS.length
  return {
    model: { version: 'rules', classes: CLASSES, contextColumns: CONTEXT_COLUMNS, thresholds: CLASSES.map((name) => name === 'BENIGN' ? 1 : 0.9), usual: {}, known: null },
    prototypes: null,
    score: async (count, tensors, contexts) => {
      const probabilities = new Float32Array(count * CLASSES.length)
      for (let row = 0; row < count; row++) {
        const facts = factsOf(tensors.subarray(row * TENSOR_SIZE, (row + 1) * TENSOR_SIZE), contexts.subarray(row * columns, (row + 1) * columns))
        for (const [index, name] of CLASSES.entries()) probabilities[row * CLASSES.length + index] = name !== 'BENIGN' && RULES[name](facts) ? 0.99 : 0.001
      }
      return probabilities
    },
    [Symbol.asyncDispose]: async () => undefined,
  }
}

function factsOf (tensor: Float32Array, row: Float32Array): Facts {
  const context = (column: string): number => row[CONTEXT_COLUMNS.indexOf(column)] ?? 0
  const short = context('step_500ms') === 1
  const at = (window: number, feature: FeatureName): number => tensor[window * FEATURES.length + FEATURES.indexOf(feature)] ?? 0
  const sum = (feature: FeatureName): number => {
    let total = 0
    for (let window = short ? 0 : TENSOR_WINDOWS - 1; window < TENSOR_WINDOWS; window++) total += at(window, feature)
    return total
  }
  return {
    sum,
    context,
    distinct: short ? context(context('kind_pair') === 1 ? 'distinct_ports' : 'distinct_peers') : at(TENSOR_WINDOWS - 1, 'unique_ports'),
    failed: at(TENSOR_WINDOWS - 1, 'failed_conn_ratio'),
    seconds: short ? 10 : context('step_15000ms') === 1 ? 15 : 60,
  }
}
