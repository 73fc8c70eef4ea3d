import t from 'tap'
import { parseRate } from '../../../src/core/policy/rate.ts'

t.test('a rate is bits a second in decimal units', (t) => {
  const table: [string, number | null][] = [
    ['1000kbps', 125_000], ['1Mbps', 125_000], ['1mbps', 125_000], ['1.5 Mbps', 187_500], ['16000bps', 2000], ['100Gbps', 12_500_000_000],
    ['15kbps', null], ['101Gbps', null], ['1000', null], ['1000KBps', null], ['8MBps', null], ['-1kbps', null], ['1e3kbps', null], ['', null], ['kbps', null], ['1000kbps/s', null], ['1toString', null],
  ]
  for (const [text, bytes] of table) t.strictSame(parseRate(text), bytes === null ? null : { value: bytes, unit: 'bytes/s' }, text)
  t.end()
})

t.test('or of new connections', (t) => {
  const table: [string, number | null][] = [['200 connections/s', 200], ['1connections/s', 1], ['1000000 connections/s', 1_000_000], ['0 connections/s', null], ['1000001 connections/s', null], ['0.5 connections/s', null], ['200 connections', null], ['200/s', null]]
  for (const [text, value] of table) t.strictSame(parseRate(text), value === null ? null : { value, unit: 'connections/s' }, text)
  t.end()
})
