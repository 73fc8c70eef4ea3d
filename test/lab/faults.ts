import type { AttackLabel, RunLabels } from './labels.ts'

/** A capture that lost more than this share of its packets is no measure of anything. */
const MOST_LOST = 0.001

/** Of a run's time, the most that a machine may lose in pauses of more than 100 ms. */
const MOST_TIME_LOST = 0.02

/** Of the packets a second that a flood was asked for, the least that it has to send: two quiet cores make at least seven tenths of 5,000. */
const LEAST_OF_RATE = 0.5

const BUSY = 'the machine is too busy, run fewer laboratories at a time'

/** Why a run must not be used, a line each; none: its labels say what happened. `paced`: whether it matters when packets fell, as it does to whoever learns or judges by it. */
export function faultsOf ({ attacks, capture }: Pick<RunLabels, 'attacks' | 'capture'>, paced = true): string[] {
  const { packets, droppedByKernel, time } = capture
  return [
    ...attacks.filter((attack) => attack.packets === 0).map(({ tool, command }) => `${tool} ('${command}') sent nothing`),
    ...(droppedByKernel > packets * MOST_LOST ? [`tcpdump lost ${droppedByKernel} of ${packets} packets: ${BUSY}`] : []),
    ...(paced && time.lostShare > MOST_TIME_LOST ? [`${(time.lostShare * 100).toFixed(1)} % of the time went in pauses of up to ${time.mostLateMs} ms: ${BUSY}`] : []),
    ...(paced ? attacks.flatMap((attack) => tooSlow(attack) ?? []) : []),
  ]
}

/** Floods alone are paced by their tool, whatever comes back; other rates are the most that a tool may reach. */
function tooSlow ({ class: name, tool, rate, packets, legs, firstPacketMs, lastPacketMs }: AttackLabel): string | null {
  if (name !== 'SYN_FLOOD' || rate === null || packets === 0) return null
  const sent = legs.reduce((sum, leg) => sum + leg.sent, 0)
  const reached = sent * 1000 / Math.max(1000, (lastPacketMs ?? 0) - (firstPacketMs ?? 0))
  return reached < rate * LEAST_OF_RATE ? `${tool} sent ${reached.toFixed(0)} packets a second, and was asked for ${rate.toFixed(0)}: ${BUSY}` : null
}
