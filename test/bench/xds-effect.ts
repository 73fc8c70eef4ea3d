import type { Fleet } from '../../xds/fleet.ts'
import { stay, visit } from '../xds/laboratory.ts'
import { mitigationOf } from '../xds/mitigation-of.ts'
import { until, type RealEnvoy } from '../xds/real-envoy.ts'
import { ATTACKER, becomes, stage } from '../xds/stage.ts'
import type { Figure } from './figure.ts'
import { quantile } from './quantile.ts'

/** Denials of each kind that are measured; of so few the p99 is the worst. */
const DENIALS = 100
/** Refusals in a row that show the change in every worker of Envoy, as far as the kernel spreads connections over them. */
const IN_A_ROW = 5

const watch = mitigationOf('watch', { action: 'watch' })
const denial = mitigationOf('deny')

/** Milliseconds from the push. */
interface Timing {
  readonly ackMs: number
  readonly effectMs: number
}

/** Pushes the denial and times its ACK and what `effect` waits for, which resolves to the time at which it held. */
async function denied (fleet: Fleet, mitigations: Parameters<Fleet['apply']>[0], effect: () => Promise<number>): Promise<Timing> {
  const acked = Promise.withResolvers<number>()
  using stack = new DisposableStack()
  stack.use(fleet.onChange(({ state, mitigations }) => {
    if (mitigations.includes('deny') && state === 'in-sync') acked.resolve(performance.now())
    if (state === 'rejected') acked.reject(new Error('Envoy refused the denial: the figures are of no use'))
  }))
  const pushed = performance.now()
  fleet.apply(mitigations)
  const [ack, held] = await Promise.all([acked.promise, effect()])
  return { ackMs: ack - pushed, effectMs: held - pushed }
}

/** When the first of some refusals in a row was over. */
async function refused (port: number): Promise<number> {
  let since = NaN
  for (let row = 0; row < IN_A_ROW;) {
    row = await visit(ATTACKER, port) === 'refused' ? row + 1 : 0
    if (row === 1) since = performance.now()
  }
  return since
}

/** A connection that stays, known to run through the chain of the watched source. */
function stayWatched (envoy: RealEnvoy, port: number): Promise<Awaited<ReturnType<typeof stay>>> {
  const opened = (): Promise<number> => envoy.stat('tcp.source_127_0_0_66.downstream_cx_total')
  return until('the source comes by its own chain', async () => {
    const before = await opened()
    const connection = await stay(ATTACKER, port)
    if (await opened() > before) return connection
    connection[Symbol.dispose]()
    return undefined
  })
}

/** Push to effect at one real Envoy; server, Envoy and the visitor share this machine. */
export async function xdsEffectFigures (): Promise<Figure[]> {
  await using scene = await stage()
  const { fleet, envoy, port, settled } = scene
  const onNew: Timing[] = []
  const onOpen: Timing[] = []
  for (let turn = 0; turn < DENIALS; turn++) {
    onNew.push(await denied(fleet, [denial], () => refused(port)))
    fleet.apply([])
    await settled('the undo')
    await becomes(ATTACKER, port, 'served')

    fleet.apply([watch])
    await settled('the watch')
    using connection = await stayWatched(envoy, port)
    onOpen.push(await denied(fleet, [watch, denial], () => connection.closed.then(() => performance.now())))
    fleet.apply([])
    await settled('the undo')
    await becomes(ATTACKER, port, 'served')
  }
  const figure = (name: string, timings: readonly Timing[], share: number): Figure => {
    const [value, ack] = [quantile(timings.map(({ effectMs }) => effectMs), share), quantile(timings.map(({ ackMs }) => ackMs), share)]
    return { name: `xds.${name}`, value, unit: 'ms', beside: { name: 'to the ACK of the same pushes', value: ack }, ratio: value / ack }
  }
  return [
    figure('effect_new_p50_ms', onNew, 0.5), figure('effect_new_p99_ms', onNew, 0.99),
    figure('effect_open_p50_ms', onOpen, 0.5), figure('effect_open_p99_ms', onOpen, 0.99),
  ]
}
