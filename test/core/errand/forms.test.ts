import t from 'tap'
import { alertmanagerAlerts } from '../../../src/core/errand/forms/alertmanager.ts'
import { ocsfFinding } from '../../../src/core/errand/forms/ocsf.ts'
import { slackMessage } from '../../../src/core/errand/forms/slack.ts'
import { NOTICE } from './made-errand.ts'

t.test('an OCSF finding has every attribute that class 2004 requires, and its numbers agree with each other', (t) => {
  const finding = ocsfFinding(NOTICE, 'e-1', '0.1.0')
  t.match(finding, {
    category_uid: 2,
    class_uid: 2004,
    activity_id: 1,
    type_uid: 2004 * 100 + 1,
    severity_id: 4,
    time: Date.parse(NOTICE.detection.lastSeen),
    finding_info: { uid: 'd-1', title: 'PORT_SCAN', attacks: [{ technique: { uid: 'T1046' } }] },
    evidences: [{ src_endpoint: { ip: '10.0.0.1', name: 'shop/web-0', uid: 'u1' }, dst_endpoint: { ip: '10.0.0.3' } }],
    metadata: { uid: 'e-1', version: String, product: { vendor_name: String } },
  })
  const attacks = (technique: string): unknown => (ocsfFinding({ ...NOTICE, detection: { ...NOTICE.detection, technique } }, 'e-1', '0.1.0') as { finding_info: { attacks: unknown } }).finding_info.attacks
  t.strictSame(attacks('T1046'), [{ technique: { uid: 'T1046' } }])
  t.strictSame(attacks('T1071.001'), [{ technique: { uid: 'T1071' }, sub_technique: { uid: 'T1071.001' } }])
  t.end()
})

t.test('a name or sentence from the network is text to Slack, never a link or a mention', (t) => {
  const { text } = slackMessage({ ...NOTICE, text: '<!channel> see <https://evil.example|here> & act' }) as { text: string }
  t.notMatch(text, /[<>]/)
  t.match(text, /&lt;!channel&gt;.*&amp; act/)
  t.match(text, /HIGH: PORT_SCAN.*shop\/web-0 \(10\.0\.0\.1\) to 10\.0\.0\.3/)
  t.end()
})

t.test('Alertmanager gets labels that stay the same for one detection, and is told how long it stands', (t) => {
  const [first] = alertmanagerAlerts(NOTICE)
  const [later] = alertmanagerAlerts({ ...NOTICE, text: 'more', detection: { ...NOTICE.detection, confidence: 0.99, lastSeen: '2026-06-01T12:05:00.000Z' } })
  t.strictSame((first as { labels: unknown }).labels, (later as { labels: unknown }).labels)
  t.match(first, { labels: { alertname: 'AutoShieldDetection', severity: 'high', namespace: 'shop', pod: 'web-0' }, startsAt: NOTICE.detection.firstSeen, endsAt: '2026-06-01T13:00:00.000Z' })
  t.end()
})
