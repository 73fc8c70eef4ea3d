import { BlockList, isIP } from 'node:net'
import fc from 'fast-check'
import t from 'tap'
import { classOfAddress, type AddressClass } from '../../../src/core/errand/address-class.ts'
import { refusalOf } from '../../../src/core/errand/destination.ts'

t.test('an address is classed by what it leads to, in every form in which it can be written', (t) => {
  const table: Record<AddressClass, string[]> = {
    public: ['1.1.1.1', '9.255.255.255', '11.0.0.0', '172.15.255.255', '172.32.0.0', '192.167.255.255', '100.63.255.255', '100.128.0.0', '2606:4700::1111', '64:ff9b::101:101', '2002:101:101::1'],
    private: ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '100.64.0.1', 'fd12::1', '::ffff:10.0.0.1', '::ffff:0a00:1', '64:ff9b::a00:1', '2002:a00:1::1', '::10.0.0.1', '198.18.0.1'],
    local: ['127.0.0.1', '127.255.255.254', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1', '169.254.0.1', 'fe80::1', 'fe80::1%eth0', '64:ff9b::7f00:1', '2002:7f00:1::'],
    never: ['169.254.169.254', '::ffff:169.254.169.254', '::ffff:a9fe:a9fe', '64:ff9b::a9fe:a9fe', '2002:a9fe:a9fe::', 'fd00:ec2::254', '168.63.129.16', '100.100.100.200', '0.0.0.0', '::', '0.1.2.3', '224.0.0.1', '255.255.255.255', 'ff02::1', 'localhost', '', '127.1', '0x7f000001'],
  }
  for (const [wanted, addresses] of Object.entries(table)) for (const address of addresses) t.equal(classOfAddress(address), wanted, address)
  t.end()
})

t.test('no address that Node\'s own block list calls private or local is called public', (t) => {
  const oracle = new BlockList()
  for (const [net, prefix] of [['10.0.0.0', 8], ['172.16.0.0', 12], ['192.168.0.0', 16], ['100.64.0.0', 10], ['127.0.0.0', 8], ['169.254.0.0', 16], ['0.0.0.0', 8], ['224.0.0.0', 3]] as const) oracle.addSubnet(net, prefix, 'ipv4')
  for (const [net, prefix] of [['fc00::', 7], ['fe80::', 10], ['ff00::', 8]] as const) oracle.addSubnet(net, prefix, 'ipv6')
  fc.assert(fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (address) => {
    const held = oracle.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6')
    return !held || classOfAddress(address) !== 'public'
  }), { numRuns: 20_000 })
  t.end()
})

t.test('each row of the table: to whom a message may go', (t) => {
  const allowed = { privateHosts: ['alertmanager.monitoring'], localHosts: ['receiver.local', '127.0.0.1'] }
  const rows: [string, string, boolean][] = [
    ['anybody.example', '1.1.1.1', true],
    ['alertmanager.monitoring', '10.0.0.1', true],
    ['receiver.local', '10.0.0.1', true],
    ['anybody.example', '10.0.0.1', false],
    ['receiver.local', '127.0.0.1', true],
    ['alertmanager.monitoring', '127.0.0.1', false],
    ['anybody.example', '::1', false],
    ['receiver.local', '169.254.169.254', false],
    ['alertmanager.monitoring', '169.254.169.254', false],
  ]
  for (const [host, address, may] of rows) t.equal(refusalOf(host, address, allowed) === null, may, `${host} at ${address}`)
  t.equal(refusalOf('AlertManager.Monitoring.', '10.0.0.1', allowed), null, 'names have no case and may end in a full stop')
  t.match(refusalOf('x.example', '10.0.0.1', {}), /x\.example is at 10\.0\.0\.1.*privateHosts/, 'the mend is said')
  t.end()
})
