import type { FlowTracker } from '../flow/flow-tracker.ts'
import { FLAG, ICMP_ROLE, ICMP_ROLES, PAYLOAD, PROTOCOL, PROTOCOLS, TCP_FLAGS } from '../flow/packet.ts'
import { FlowProofs } from './flow-proofs.ts'
import { BIT, KEYS_PER_FLOW, WORD, type FlowKeys } from './flow-keys.ts'
import { RECORD, RECORD_NUMBERS, type Frame } from './frame.ts'
import { FAN_IN, FAN_OUT, PAIR } from './key-table.ts'
import { SUM, type Lane } from './lane.ts'
import { USES_STEP_MS, type PortUses } from './port-uses.ts'
import { STEPS_MS } from './window.ts'

const MIDDLE_STEPS = STEPS_MS[1] / STEPS_MS[0]
const LONG_STEPS = STEPS_MS[2] / STEPS_MS[0]

/** Counts packets into the records of open windows, and adds the records to the cells of the flows' keys. */
export class RecordKeeper {
  readonly #tracker: FlowTracker
  readonly #keys: FlowKeys
  readonly #uses: PortUses
  readonly #proofs: FlowProofs
  /** Per flow: the 15 s and the 60 s window in which it was last counted, and its age there in ms. */
  readonly #middleNumber: Float64Array
  readonly #middleAge: Float64Array
  readonly #longNumber: Float64Array
  readonly #longAge: Float64Array

  constructor (maxFlows: number, tracker: FlowTracker, keys: FlowKeys, uses: PortUses) {
    this.#tracker = tracker
    this.#keys = keys
    this.#uses = uses
    this.#proofs = new FlowProofs(maxFlows)
    this.#middleNumber = new Float64Array(maxFlows)
    this.#middleAge = new Float64Array(maxFlows)
    this.#longNumber = new Float64Array(maxFlows)
    this.#longAge = new Float64Array(maxFlows)
  }

  opened (slot: number): void {
    this.#middleNumber[slot] = -1
    this.#longNumber[slot] = -1
    this.#proofs.opened(slot)
  }

  /** Counts the packet that the tracker has just given to the flow in `slot`. */
  count (frame: Frame, slot: number, packet: Int32Array, atMs: number): void {
    const known = frame.find(slot)
    const record = known >= 0 ? known : this.#open(frame, slot, atMs)
    const at = record * RECORD_NUMBERS
    const numbers = frame.numbers
    const role = packet[ICMP_ROLE] ?? 0
    const isError = role === ICMP_ROLES.failure || role === ICMP_ROLES.notice
    const payload = packet[PAYLOAD] ?? 0
    const segments = isError ? 1 : this.#tracker.segments(slot, packet)
    const sent = this.#tracker.sent
    bump(numbers, at + (sent ? RECORD.sentBytes : RECORD.receivedBytes), payload)
    bump(numbers, at + (sent ? RECORD.sentPackets : RECORD.receivedPackets), segments)
    if (atMs > (numbers[at + RECORD.lastMs] ?? 0)) numbers[at + RECORD.lastMs] = atMs
    else if (atMs < (numbers[at + RECORD.firstMs] ?? 0)) numbers[at + RECORD.firstMs] = atMs
    const protocol = packet[PROTOCOL] ?? 0
    if (!isError) this.#proofs.look(slot, sent, protocol, packet[TCP_FLAGS] ?? 0, payload)
    if (isError || protocol === PROTOCOLS.icmp || protocol === PROTOCOLS.icmp6) bump(numbers, at + RECORD.icmp, 1)
    else if (protocol === PROTOCOLS.udp) bump(numbers, at + RECORD.udp, 1)
    else if (protocol === PROTOCOLS.tcp) {
      bump(numbers, at + RECORD.tcp, segments)
      const flags = packet[TCP_FLAGS] ?? 0
      this.#countFlags(numbers, at, flags, segments)
      if (payload === 0 && (flags & FLAG.syn) === 0) return // a bare ACK is the network's rhythm, not the source's
    }
    if (sent && !isError) addGaps(frame, record, atMs)
  }

  settleAll (frame: Frame): void {
    for (let record = 0; record < frame.count; record++) {
      const slot = frame.slots[record] ?? -1
      if (slot >= 0) this.#settle(frame, record, slot)
    }
  }

  settleFlow (frame: Frame, slot: number): void {
    const record = frame.find(slot)
    if (record < 0) return
    this.#settle(frame, record, slot)
    frame.leave(record)
  }

  rekey (frame: Frame, slot: number): void {
    const record = frame.find(slot)
    if (record >= 0) this.#findCells(frame, record, slot)
  }

  #open (frame: Frame, slot: number, atMs: number): number {
    const record = frame.open(slot)
    frame.numbers[record * RECORD_NUMBERS + RECORD.firstMs] = atMs
    this.#findCells(frame, record, slot)
    this.#tracker.touch(slot)
    return record
  }

  #findCells (frame: Frame, record: number, slot: number): void {
    for (let place = 0; place < KEYS_PER_FLOW; place++) {
      const key = this.#keys.key(slot, place)
      frame.cells[record * KEYS_PER_FLOW + place] = key < 0 ? -1 : frame.lane.cell(key)
    }
  }

  /** A FIN of an offload frame is on its last segment alone; its ACK is on each. SYN and RST frames are never cut. */
  #countFlags (numbers: Float64Array, at: number, flags: number, segments: number): void {
    if ((flags & FLAG.ack) !== 0) bump(numbers, at + RECORD.ack, segments)
    if ((flags & (FLAG.syn | FLAG.rst | FLAG.fin)) === 0) return
    if ((flags & (FLAG.syn | FLAG.ack)) === FLAG.syn) bump(numbers, at + RECORD.syn, 1)
    if ((flags & FLAG.rst) !== 0) bump(numbers, at + RECORD.rst, 1)
    if ((flags & FLAG.fin) !== 0) bump(numbers, at + RECORD.fin, 1)
  }

  #settle (frame: Frame, record: number, slot: number): void {
    const { lane, numbers } = frame
    const at = record * RECORD_NUMBERS
    const age = Math.max(0, (numbers[at + RECORD.lastMs] ?? 0) - (this.#tracker.table.firstMs[slot] ?? 0))
    const middle = Math.floor(frame.number / MIDDLE_STEPS)
    const long = Math.floor(frame.number / LONG_STEPS)
    const inMiddle = this.#middleNumber[slot] === middle
    const inLong = this.#longNumber[slot] === long
    const port = this.#tracker.table.responderPort(slot)
    const proved = this.#proofs.settle(slot, this.#keys.key(slot, FAN_OUT) >= 0, inMiddle, inLong)
    for (let place = 0; place < KEYS_PER_FLOW; place++) {
      const cell = frame.cells[record * KEYS_PER_FLOW + place] ?? -1
      if (cell < 0) continue
      addRecord(lane, cell, numbers, at)
      lane.add(cell, SUM.flows, 1)
      lane.add(cell, SUM.age, age)
      lane.add(cell, SUM.flows15, inMiddle ? 0 : 1)
      lane.add(cell, SUM.age15, inMiddle ? age - (this.#middleAge[slot] ?? 0) : age)
      lane.add(cell, SUM.flows60, inLong ? 0 : 1)
      lane.add(cell, SUM.age60, inLong ? age - (this.#longAge[slot] ?? 0) : age)
      lane.add(cell, SUM.proved, proved.short)
      lane.add(cell, SUM.proved15, proved.middle)
      lane.add(cell, SUM.proved60, proved.long)
      this.#markDistinct(lane, cell, place, slot, port)
      if (port !== 0) lane.ports.add(cell, port, (numbers[at + RECORD.sentPackets] ?? 0) + (numbers[at + RECORD.receivedPackets] ?? 0))
    }
    const pair = this.#keys.key(slot, PAIR)
    if (pair >= 0) {
      const began = (this.#tracker.table.firstMs[slot] ?? 0) >= long * USES_STEP_MS
      this.#uses.add(long, pair, this.#tracker.table.protocol(slot), port, {
        begun: began && !inLong ? 1 : 0,
        carried: began || inLong ? 0 : 1,
        bytesSent: numbers[at + RECORD.sentBytes] ?? 0,
        bytesReceived: numbers[at + RECORD.receivedBytes] ?? 0,
      })
    }
    this.#middleNumber[slot] = middle
    this.#middleAge[slot] = age
    this.#longNumber[slot] = long
    this.#longAge[slot] = age
  }

  #markDistinct (lane: Lane, cell: number, place: number, slot: number, port: number): void {
    switch (place) {
      case PAIR:
        if (port === 0) break
        lane.markPort(cell, this.#keys.bit(slot, BIT.port))
        lane.markUnique(cell, port, 0)
        break
      case FAN_OUT:
        if (port !== 0) {
          lane.markPort(cell, this.#keys.bit(slot, BIT.addressPort))
          lane.markUnique(cell, this.#keys.word(slot, WORD.addressPort), this.#keys.word(slot, WORD.addressPort + 1))
        }
        lane.markPeer(cell, this.#keys.bit(slot, BIT.destination))
        break
      case FAN_IN:
        if (port !== 0) lane.markPort(cell, this.#keys.bit(slot, BIT.port))
        lane.markPeer(cell, this.#keys.bit(slot, BIT.source))
        lane.markUnique(cell, this.#keys.word(slot, WORD.source), this.#keys.word(slot, WORD.source + 1))
    }
  }
}

function addGaps (frame: Frame, record: number, atMs: number): void {
  for (let place = 0; place < KEYS_PER_FLOW; place++) {
    const cell = frame.cells[record * KEYS_PER_FLOW + place] ?? -1
    if (cell >= 0) frame.lane.addGap(cell, atMs)
  }
}

function addRecord (lane: Lane, cell: number, numbers: Float64Array, at: number): void {
  lane.add(cell, SUM.sentBytes, numbers[at + RECORD.sentBytes] ?? 0)
  lane.add(cell, SUM.receivedBytes, numbers[at + RECORD.receivedBytes] ?? 0)
  lane.add(cell, SUM.sentPackets, numbers[at + RECORD.sentPackets] ?? 0)
  lane.add(cell, SUM.receivedPackets, numbers[at + RECORD.receivedPackets] ?? 0)
  lane.add(cell, SUM.syn, numbers[at + RECORD.syn] ?? 0)
  lane.add(cell, SUM.ack, numbers[at + RECORD.ack] ?? 0)
  lane.add(cell, SUM.rst, numbers[at + RECORD.rst] ?? 0)
  lane.add(cell, SUM.fin, numbers[at + RECORD.fin] ?? 0)
  lane.add(cell, SUM.tcp, numbers[at + RECORD.tcp] ?? 0)
  lane.add(cell, SUM.udp, numbers[at + RECORD.udp] ?? 0)
  lane.add(cell, SUM.icmp, numbers[at + RECORD.icmp] ?? 0)
  lane.seenAt(cell, numbers[at + RECORD.firstMs] ?? 0)
}

function bump (numbers: Float64Array, at: number, amount: number): void {
  numbers[at] = (numbers[at] ?? 0) + amount
}
