import { endianness } from 'node:os'
import t from 'tap'
import { gatewaysIn } from '../../../sidecar/proxy/default-gateways.ts'

const header = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n'
const ipv4 = [
  'eth0\t00000000\t0102000A\t0003\t0\t0\t0\t00000000\t0\t0\t0',
  'eth0\t0002000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0',
].join('\n')
const ipv6 = [
  'fd000000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0',
  '00000000000000000000000000000000 00 00000000000000000000000000000000 00 fd000000000000000000000000000001 00000400 00000002 00000000 00000003     eth0',
  '00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 00000002 00000000 00000003     eth0',
  '00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo',
].join('\n')

t.test('the routers of default routes are told, but those of one link alone', { skip: endianness() === 'LE' ? false : 'the table is that of a little-endian machine' }, async (t) => {
  t.same(gatewaysIn(`${header}${ipv4}\n`, `${ipv6}\n`), ['10.0.2.1', 'fd00::1'])
  t.same(gatewaysIn(header, ''), [])
})
