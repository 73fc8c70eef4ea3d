import t from 'tap'
import type { FlowSighting } from '../../src/core/history/sighting.ts'
import { encodeWindows } from '../../src/wire/encode-windows.ts'
import { syntheticWindow } from '../core/tensor/synthetic-window.ts'
import { RawObserver } from './raw-observer.ts'
import { connected, POD, POD_ADDRESS, REPLAY, stage, Told } from './stage.ts'

const minute = Math.floor(Date.now() / 60_000) - 1
const use = { protocol: 6, port: 5432, begun: 2, carried: 1, failed: 0, bytesSent: 100, bytesReceived: 900 }
const window = (source: string, destination: string) => ({ ...syntheticWindow({ key: { kind: 'pair', source, destination }, stepMs: 60_000, number: minute }), uses: [use] })
const flowsOf = (told: Told): FlowSighting[] => told.events.flatMap((event) => event.type === 'flows' ? event.sightings : [])

t.test('what a pair did in a minute reaches whoever follows, with which end saw it', async (t) => {
  const { start, uplink, source } = await stage(t)
  const { address } = await start()
  const told = new Told(t, source(address))
  await told.synced()
  const observer = uplink(address)
  await observer.event(connected)
  observer.uplink.push([window('10.0.0.9', POD_ADDRESS), window(POD_ADDRESS, '10.0.0.9'), syntheticWindow({ key: { kind: 'pair', source: '10.0.0.9', destination: POD_ADDRESS }, stepMs: 15_000, number: minute * 4 })], new Map())
  await told.until((told) => flowsOf(told).length === 2)
  t.same(flowsOf(told), [
    { minute, source: '10.0.0.9', destination: POD_ADDRESS, witness: 'destination', pod: POD.uid, use },
    { minute, source: POD_ADDRESS, destination: '10.0.0.9', witness: 'source', pod: POD.uid, use },
  ])
})

t.test('flows wait for somebody who follows, as scores do', async (t) => {
  const { start, uplink, source } = await stage(t)
  const { address } = await start({ limits: { holdMs: 60_000 } })
  const observer = uplink(address)
  await observer.event(connected)
  observer.uplink.push([window('10.0.0.9', POD_ADDRESS)], new Map())
  const told = new Told(t, source(address))
  await told.until((told) => flowsOf(told).length === 1)
  t.equal(flowsOf(told)[0]?.use.begun, 2)
})

t.test('a recording shows both ends; what another detector has told already is not told again', async (t) => {
  const { start, credentials, source } = await stage(t)
  const { address } = await start()
  const told = new Told(t, source(address))
  await told.synced()
  const replay = new RawObserver(t, address, credentials(REPLAY))
  replay.hello({ identity: 'spiffe://autoshield.test/ns/replay/pod/replay', ownAddresses: [] })
  replay.say({ case: 'batch', value: { sequence: 1n, resent: true, windows: encodeWindows([window('10.0.0.7', '10.0.0.8')]) } })
  replay.say({ case: 'batch', value: { sequence: 2n, windows: encodeWindows([window('10.0.0.5', '10.0.0.6')]) } })
  await told.until((told) => flowsOf(told).length > 0)
  t.match(flowsOf(told), [{ source: '10.0.0.5', destination: '10.0.0.6', witness: 'recording', pod: '' }])
})
