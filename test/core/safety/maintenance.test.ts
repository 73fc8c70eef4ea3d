import t from 'tap'
import { openMaintenanceBook, openWindow, type MaintenanceWindow } from '../../../src/core/safety/maintenance.ts'

const window = (more: Partial<MaintenanceWindow> = {}): MaintenanceWindow => ({ name: 'release', days: ['tuesday'], from: '10:00', to: '12:00', zone: 'UTC', namespaces: [], effect: 'hold', ...more })
const open = (windows: readonly MaintenanceWindow[], at: string, namespaces: readonly string[] = ['shop']) => openWindow(openMaintenanceBook(windows), namespaces, Date.parse(at))?.name

t.test('it is open on its days and between its times, for every row of the table', (t) => {
  // 2026-11-24 is a Tuesday.
  const night = window({ from: '22:00', to: '06:00' })
  const rows: [MaintenanceWindow, string, boolean][] = [
    [window(), '2026-11-24T10:00:00Z', true],
    [window(), '2026-11-24T11:59:59Z', true],
    [window(), '2026-11-24T12:00:00Z', false],
    [window(), '2026-11-24T09:59:59Z', false],
    [window(), '2026-11-25T10:30:00Z', false],
    [night, '2026-11-24T22:00:00Z', true],
    [night, '2026-11-25T05:59:59Z', true],
    [night, '2026-11-25T06:00:00Z', false],
    [night, '2026-11-24T05:00:00Z', false],
    [night, '2026-11-25T22:00:00Z', false],
    [window({ days: ['sunday'], from: '22:00', to: '06:00' }), '2026-11-23T01:00:00Z', true],
    [window({ from: '08:00', to: '08:00' }), '2026-11-25T07:59:00Z', true],
    [window({ from: '08:00', to: '08:00' }), '2026-11-25T08:00:00Z', false],
  ]
  for (const [one, at, is] of rows) t.equal(open([one], at) !== undefined, is, `${one.from}-${one.to} at ${at}`)
  t.end()
})

t.test('its clocks are those on the walls of its zone, also where they are changed', (t) => {
  const berlin = (from: string, to: string) => window({ days: ['saturday', 'sunday'], from, to, zone: 'Europe/Berlin' })
  const rows: [MaintenanceWindow, string, boolean][] = [
    // Winter and summer: the same clock is another hour in UTC.
    [berlin('10:00', '11:00'), '2026-01-25T09:30:00Z', true],
    [berlin('10:00', '11:00'), '2026-07-26T09:30:00Z', false],
    [berlin('10:00', '11:00'), '2026-07-26T08:30:00Z', true],
    // 2026-03-29: 02:00 becomes 03:00 at 01:00 UTC.
    [berlin('01:30', '03:30'), '2026-03-29T00:30:00Z', true],
    [berlin('01:30', '03:30'), '2026-03-29T01:29:00Z', true],
    [berlin('01:30', '03:30'), '2026-03-29T01:30:00Z', false],
    [berlin('02:00', '03:00'), '2026-03-29T00:59:59Z', false],
    [berlin('02:00', '03:00'), '2026-03-29T01:00:00Z', false],
    // 2026-10-25: 03:00 becomes 02:00 at 01:00 UTC, so 02:30 comes twice.
    [berlin('02:00', '03:00'), '2026-10-25T00:30:00Z', true],
    [berlin('02:00', '03:00'), '2026-10-25T01:30:00Z', true],
    [berlin('02:00', '03:00'), '2026-10-25T02:00:00Z', false],
    [berlin('22:00', '02:30'), '2026-10-25T01:15:00Z', true],
    [berlin('22:00', '02:30'), '2026-10-25T01:30:00Z', false],
  ]
  for (const [one, at, is] of rows) t.equal(open([one], at) !== undefined, is, `${one.from}-${one.to} at ${at}`)
  t.end()
})

t.test('it concerns its namespaces, and one that only alerts goes before one that holds', (t) => {
  const at = '2026-11-24T11:00:00Z'
  t.equal(open([window({ namespaces: ['shop'] })], at, ['bank']), undefined)
  t.equal(open([window({ namespaces: ['shop'] })], at, ['bank', 'shop']), 'release')
  t.equal(open([window()], at, []), 'release')
  t.equal(open([window({ name: 'holds' }), window({ name: 'alerts', effect: 'alert' })], at), 'alerts')
  t.equal(open([window({ name: 'first' }), window({ name: 'second' })], at), 'first')
  t.equal(open([window({ zone: 'Mars/Olympus' })], at), undefined)
  t.end()
})
