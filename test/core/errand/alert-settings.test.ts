import t from 'tap'
import { channelOf, parseAlertSettings } from '../../../src/core/errand/alert-settings.ts'

t.test('alert settings are read, and the log is the channel called default unless another is', (t) => {
  const settings = parseAlertSettings('channels:\n  soc: { kind: webhook, url: "https://soc.example/a", form: ocsf }\n  chat: { kind: slack, urlFile: /run/slack }\nprivateHosts: [soc.example]\n', 'alerts.yaml')
  t.match(channelOf(settings, 'soc'), { kind: 'webhook', form: 'ocsf' })
  t.strictSame(channelOf(settings, 'default'), { kind: 'log' })
  t.equal(channelOf(settings, 'constructor'), null)
  t.match(channelOf(parseAlertSettings('channels: { default: { kind: slack, urlFile: /a } }', 'a'), 'default'), { kind: 'slack' })
  t.strictSame(channelOf(parseAlertSettings('', 'empty.yaml'), 'soc'), null)
  t.end()
})

t.test('what is wrong is named with its place, and nothing is guessed', (t) => {
  const problem = (text: string, wanted: RegExp): unknown => t.throws(() => parseAlertSettings(text, 'alerts.yaml'), { code: 'BAD_DATA', message: wanted })
  problem('channels: { soc: { kind: pager } }', /alerts\.yaml: \/channels\/soc/)
  problem('channels: { soc: { kind: webhook } }', /"soc" needs either url or urlFile/)
  problem('channels: { soc: { kind: slack, url: "https://a/", urlFile: /b } }', /"soc" needs either/)
  problem('channels: { soc: { kind: slack, url: "ftp://a/" } }', /url of channel "soc"/)
  problem('channels: { soc: { kind: slack, url: "https://me:pw@a/" } }', /url of channel "soc"/)
  problem('chanels: {}', /alerts\.yaml/)
  problem('a: [', /alerts\.yaml/)
  t.end()
})
