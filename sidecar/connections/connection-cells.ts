import { BIT, KEYS_PER_FLOW, WORD, type FlowKeys } from '../../src/core/window/flow-keys.ts'
import { FAN_IN, FAN_OUT, PAIR } from '../../src/core/window/key-table.ts'
import { SUM, type Lane } from '../../src/core/window/lane.ts'
import { USES_STEP_MS } from '../../src/core/window/port-uses.ts'
import { STEPS_MS } from '../../src/core/window/window.ts'
import type { Connection } from './connection-table.ts'
import type { StepLanes } from './step-lanes.ts'
import type { Outcome, Tally } from './tally.ts'

const STEP_MS = STEPS_MS[0]
const MIDDLE_STEPS = STEPS_MS[1] / STEP_MS
const LONG_STEPS = STEPS_MS[2] / STEP_MS

/** Adds what connections do to the open windows of their keys. */
export class ConnectionCells {
  readonly #keys: FlowKeys
  readonly #lanes: StepLanes

  constructor (keys: FlowKeys, lanes: StepLanes) {
    this.#keys = keys
    this.#lanes = lanes
  }

  /** A connection began: the kernel tells no single packet's time, so the gaps are those between beginnings. */
  begin (connection: Connection): void {
    this.#each(connection, (lane, cell) => lane.addGap(cell, connection.firstMs))
  }

  /** The connection had `more` packets since it was last counted, the last of them at `lastMs`. */
  add (connection: Connection, more: Tally, lastMs: number): void {
    const age = Math.max(0, lastMs - connection.firstMs)
    const middle = Math.floor(this.#lanes.number / MIDDLE_STEPS)
    const long = Math.floor(this.#lanes.number / LONG_STEPS)
    const inMiddle = connection.middle === middle
    const inLong = connection.long === long
    this.#each(connection, (lane, cell, place) => {
      addTally(lane, cell, more)
      lane.add(cell, SUM.flows, 1)
      lane.add(cell, SUM.age, age)
      lane.add(cell, SUM.flows15, inMiddle ? 0 : 1)
      lane.add(cell, SUM.age15, inMiddle ? age - connection.middleAge : age)
      lane.add(cell, SUM.flows60, inLong ? 0 : 1)
      lane.add(cell, SUM.age60, inLong ? age - connection.longAge : age)
      lane.seenAt(cell, Math.max(connection.firstMs, this.#lanes.number * STEP_MS))
      lane.ports.add(cell, connection.responderPort, more.sentPackets + more.receivedPackets)
      this.#markDistinct(lane, cell, place, connection)
    })
    const pair = this.#keys.key(connection.slot, PAIR)
    if (pair >= 0) {
      const began = connection.firstMs >= long * USES_STEP_MS
      this.#lanes.uses.add(long, pair, connection.protocol, connection.responderPort, {
        begun: began && !inLong ? 1 : 0, carried: began || inLong ? 0 : 1, bytesSent: more.sentBytes, bytesReceived: more.receivedBytes,
      })
    }
    Object.assign(connection, { middle, middleAge: age, long, longAge: age })
  }

  decide (connection: Connection, outcome: Outcome): void {
    if (outcome === null || connection.decided || (outcome === 'half-open' && connection.halfOpen)) return
    if (outcome === 'half-open') connection.halfOpen = true
    else connection.decided = true
    const failed = outcome !== 'half-open' && outcome !== 'succeeded'
    const pair = this.#keys.key(connection.slot, PAIR)
    if (failed && pair >= 0) this.#lanes.uses.add(Math.floor(this.#lanes.number / LONG_STEPS), pair, connection.protocol, connection.responderPort, { failed: 1 })
    this.#each(connection, (lane, cell) => {
      if (outcome === 'half-open') {
        lane.add(cell, SUM.halfOpen, 1)
        return
      }
      lane.add(cell, SUM.decided, 1)
      if (failed) lane.add(cell, SUM.failed, 1)
      if (outcome === 'unanswered') lane.add(cell, SUM.unanswered, 1)
    })
  }

  #each (connection: Connection, take: (lane: Lane, cell: number, place: number) => void): void {
    const { lane } = this.#lanes
    for (let place = 0; place < KEYS_PER_FLOW; place++) {
      const key = this.#keys.key(connection.slot, place)
      if (key >= 0) take(lane, lane.cell(key), place)
    }
  }

  #markDistinct (lane: Lane, cell: number, place: number, { slot, responderPort }: Connection): void {
    switch (place) {
      case PAIR:
        lane.markPort(cell, this.#keys.bit(slot, BIT.port))
        lane.markUnique(cell, responderPort, 0)
        break
      case FAN_OUT:
        lane.markPort(cell, this.#keys.bit(slot, BIT.addressPort))
        lane.markUnique(cell, this.#keys.word(slot, WORD.addressPort), this.#keys.word(slot, WORD.addressPort + 1))
        lane.markPeer(cell, this.#keys.bit(slot, BIT.destination))
        break
      case FAN_IN:
        lane.markPort(cell, this.#keys.bit(slot, BIT.port))
        lane.markPeer(cell, this.#keys.bit(slot, BIT.source))
        lane.markUnique(cell, this.#keys.word(slot, WORD.source), this.#keys.word(slot, WORD.source + 1))
    }
  }
}

/** Only TCP is tallied. */
export function addTally (lane: Lane, cell: number, tally: Tally): void {
  lane.add(cell, SUM.sentBytes, tally.sentBytes)
  lane.add(cell, SUM.receivedBytes, tally.receivedBytes)
  lane.add(cell, SUM.sentPackets, tally.sentPackets)
  lane.add(cell, SUM.receivedPackets, tally.receivedPackets)
  lane.add(cell, SUM.tcp, tally.sentPackets + tally.receivedPackets)
  lane.add(cell, SUM.syn, tally.syn)
  lane.add(cell, SUM.ack, tally.ack)
  lane.add(cell, SUM.rst, tally.rst)
  lane.add(cell, SUM.fin, tally.fin)
}
