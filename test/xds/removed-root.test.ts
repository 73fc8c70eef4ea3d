import { pino } from 'pino'
import t from 'tap'
import { HeldCredentials } from '../../src/wire/held-credentials.ts'
import { connect } from '../../src/wire/tls.ts'
import { Fleet } from '../../xds/fleet.ts'
import type { RefusalRecord } from '../../xds/refusal-log.ts'
import { LISTENER } from '../../xds/resource-type.ts'
import { XdsServer } from '../../xds/server.ts'
import { identityOf, Root, TRUST_DOMAIN } from '../certs/samples.ts'
import { DeltaClient } from './delta-client.ts'
import { mitigationOf } from './mitigation-of.ts'
import { until } from './real-envoy.ts'

t.test('when a root is taken away, the open streams of those whom it signed end, and no others', async (t) => {
  const old = new Root()
  const young = new Root(Date.now(), [old.certificate])
  const both = young.issue('xds')
  const credentials = new HeldCredentials('', both)
  const fleet = new Fleet({ clock: { now: Date.now }, defaultInbound: { mode: 'redirect', port: 15_006 } })
  const records: RefusalRecord[] = []
  const server = new XdsServer({ fleet, credentials, trustDomain: TRUST_DOMAIN, listen: { host: '127.0.0.1', port: 0 }, log: pino({ level: 'silent' }), onRefusal: (record) => records.push(record) })
  const stopping = new AbortController()
  const ran = server.run(stopping.signal)
  t.teardown(async () => {
    stopping.abort()
    await ran
  })
  const port = await server.port
  const join = async (root: Root, uid: string): Promise<DeltaClient> => {
    const client = new DeltaClient(connect(`127.0.0.1:${port}`, { ...root.issue(uid), authorities: both.authorities }, { server: identityOf('xds') }))
    t.teardown(() => client[Symbol.dispose]())
    client.send({ typeUrl: LISTENER, node: { id: 'x' } })
    client.ack(await client.next())
    return client
  }
  const [before, after] = [await join(old, 'before'), await join(young, 'after')]
  credentials.take({ ...both, authorities: young.certificate.toString() })
  t.match(await before.ended, { details: 'no authority that is trusted now signed the certificate: it was taken away' })
  t.match(records, [{ reason: 'UnknownAuthority', identity: `spiffe://${TRUST_DOMAIN}/ns/autoshield/pod/before` }])
  t.equal(records.length, 1)
  fleet.apply([mitigationOf('deny', { victims: [{ uid: 'after', addresses: [] }] })])
  t.match(await after.next(), { typeUrl: LISTENER })
  await until('it is gone', () => server.stats.streams === 1 || undefined)
  const again = await join(young, 'before')
  fleet.apply([mitigationOf('deny', { victims: [{ uid: 'before', addresses: [] }] })])
  t.match(await again.next(), { typeUrl: LISTENER }, 'with another certificate it comes back')
})
