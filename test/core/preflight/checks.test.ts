import { readFileSync } from 'node:fs'
import t from 'tap'
import { checkCertificates, type CertificateFacts } from '../../../src/core/preflight/check-certificates.ts'
import { skewMs } from '../../../src/core/preflight/check-clocks.ts'
import { checkRights, checkVersion } from '../../../src/core/preflight/check-cluster.ts'
import { checkImage, type ImageFacts } from '../../../src/core/preflight/check-image.ts'
import { checkOwnPods, checkRegistered, checkTrial, checkVersions, type OwnPod } from '../../../src/core/preflight/check-installation.ts'
import { checkLabels } from '../../../src/core/preflight/check-namespaces.ts'
import { CHECK_CODES, type Finding, linkOf } from '../../../src/core/preflight/finding.ts'

const statuses = (findings: readonly Finding[]): string[] => findings.map(({ status }) => status)

t.test('every check has its section where its hint points', async (t) => {
  const document = readFileSync(new URL('../../../docs/CHECKS.md', import.meta.url), 'utf8')
  const anchors = [...document.matchAll(/^## (\w+)$/gm)].map(([, heading]) => `docs/CHECKS.md#${heading?.toLowerCase() ?? ''}`)
  t.same(anchors.sort(), CHECK_CODES.map(linkOf).sort())
})

t.test('the version decides what observers can be', async (t) => {
  for (const [minor, status] of [[27, 'problem'], [28, 'warning'], [29, 'warning'], [31, 'warning'], [32, 'ok'], [34, 'ok']] as const) t.equal(checkVersion({ major: 1, minor }).status, status, `1.${minor}`)
  t.match(checkVersion({ major: 1, minor: 30 }), { message: /may have nodes without native sidecars/, mend: /set sidecar: native if every kubelet is 1\.29/ })
})

t.test('missing rights are named for whom they miss', async (t) => {
  t.same(statuses(checkRights([], 3)), ['ok'])
  const right = { verb: 'get', resource: 'secrets', namespace: 'autoshield' }
  t.match(checkRights([{ ...right, who: 'you' }, { ...right, who: 'autoshield-controller' }], 3), [{ message: 'You may not get secrets in autoshield.' }, { message: /autoshield-controller may not/ }])
})

t.test('a clock is only accused of what is certain', async (t) => {
  // The API server cuts its time to the second, and the reading lies between two.
  for (const [fromMs, untilMs, skew] of [[1_000_000, 1_000_050, 0], [1_000_999, 1_001_050, 0], [999_000, 1_000_000, 0], [1_005_000, 1_005_100, 4_000], [990_000, 995_000, -5_000]] as const) {
    t.equal(skewMs({ whose: 'it', fromMs, untilMs, serverMs: 1_000_000 }), skew, `${fromMs} to ${untilMs}`)
  }
})

t.test('an image that changes under its name, or that nodes lack, is named', async (t) => {
  const facts = (over: Partial<ImageFacts>): ImageFacts => ({ image: 'r.example.com:5000/autoshield:1', pullPolicy: 'IfNotPresent', nodes: [], waiting: [], ...over })
  for (const [image, expected] of [
    ['autoshield:0.1.0', ['ok']], ['autoshield', ['warning']], ['autoshield:latest', ['warning']], ['r.example.com:5000/autoshield', ['warning']], ['autoshield@sha256:00', ['ok']], ['r.example.com:5000/a/autoshield:1', ['ok']],
  ] as const) t.same(statuses(checkImage(facts({ image }))), expected, image)
  const node = { name: 'n1', images: ['docker.io/library/autoshield:1'], full: false }
  t.same(statuses(checkImage(facts({ image: 'autoshield:1', pullPolicy: 'Never', nodes: [node] }))), ['ok'])
  t.same(statuses(checkImage(facts({ pullPolicy: 'Never', nodes: [node] }))), ['problem'])
  t.same(statuses(checkImage(facts({ pullPolicy: 'Never', nodes: [{ ...node, full: true }] }))), ['ok'], 'a full list proves nothing')
  t.match(checkImage(facts({ waiting: [{ pod: 'shop/web', reason: 'ImagePullBackOff', message: 'no such host' }] })), [{ status: 'problem', message: /shop\/web .*no such host/ }])
})

t.test('certificates are judged by their dates, their names and who believes them', async (t) => {
  const facts: CertificateFacts = { secret: 's', notBeforeMs: 0, notAfterMs: 1_000, name: 'w.svc', carriesName: true, keyFits: true, disbelieving: [], authorityEndsMs: 1e12 }
  for (const [over, nowMs, expected] of [
    [{}, 500, ['ok']], [{}, 950, ['warning']], [{}, 1_001, ['problem']], [{}, -1, ['problem']], [{ keyFits: false }, 500, ['problem']], [{ carriesName: false }, 500, ['problem']],
    [{ disbelieving: ['mutating a'] }, 500, ['problem']], [{ authorityEndsMs: 86_400_000 }, 500, ['warning']],
  ] as const) t.same(statuses(checkCertificates({ ...facts, ...over }, nowMs)), expected, `${JSON.stringify(over)} at ${nowMs}`)
  t.same(statuses(checkCertificates('There is no Secret.', 0)), ['problem'])
})

t.test('labels that mean nothing, and revisions that nobody serves, are named', async (t) => {
  const namespace = (labels: Readonly<Record<string, string>>): Parameters<typeof checkLabels>[0] => [{ name: 'shop', labels, annotations: {} }]
  const served = new Set(['default'])
  for (const [labels, expected] of [
    [{}, ['ok']], [{ 'autoshield.dev/injection': 'enabled' }, ['ok']], [{ 'autoshield.dev/injection': 'true' }, ['warning']], [{ 'autoshield.dev/admission': 'deny' }, ['warning']],
    [{ 'autoshield.dev/injection': 'required', 'autoshield.dev/rev': 'canary' }, ['problem']], [{ 'autoshield.dev/injection': 'disabled', 'autoshield.dev/rev': 'canary' }, ['ok']],
  ] as const) t.same(statuses(checkLabels(namespace(labels), served)), expected, JSON.stringify(labels))
  t.same(statuses(checkLabels(namespace({ 'autoshield.dev/injection': 'enabled' }), null)), ['ok'], 'before the installation nobody serves any')
})

t.test('our own pods are ready, calm and of one version', async (t) => {
  const pod = (component: string, over: Partial<OwnPod> = {}): OwnPod => ({ name: `${component}-1`, component, ready: true, restarts: 0, waiting: '', images: ['a:1'], ...over })
  const all = [pod('webhook'), pod('webhook'), pod('controller'), pod('detector')]
  t.same(statuses(checkOwnPods(all, 'autoshield')), ['ok'])
  t.same(statuses(checkOwnPods(all.slice(1), 'autoshield')), ['warning'], 'one replica of the webhook')
  t.same(statuses(checkOwnPods(all.slice(0, 3), 'autoshield')), ['problem'], 'no detector')
  t.same(statuses(checkOwnPods([...all, pod('detector', { ready: false })], 'autoshield')), ['problem'])
  t.same(statuses(checkOwnPods([...all, pod('detector', { restarts: 3 })], 'autoshield')), ['warning'])
  t.same(statuses(checkVersions(all, 'a:1')), ['ok'])
  t.match(checkVersions(all, 'a:2'), [{ status: 'warning', message: /a:2 \(new observers\)/ }])
})

t.test('a broken glass is told with the way to mend it', async (t) => {
  const both = [{ kind: 'MutatingWebhookConfiguration', name: 'autoshield-default', found: 'ours' }, { kind: 'ValidatingWebhookConfiguration', name: 'autoshield-default', found: 'ours' }] as const
  t.same(statuses(checkRegistered(both, false, 'autoshield')), ['ok'])
  t.match(checkRegistered(both, true, 'autoshield'), [{ status: 'problem', mend: 'kubectl annotate namespace autoshield autoshield.dev/webhooks-' }])
  t.same(statuses(checkRegistered(both.map((one) => ({ ...one, found: 'foreign' as const })), false, 'autoshield')), ['problem', 'problem'])
  t.equal(checkTrial({ kind: 'not-injected', namespace: 'shop' }).status, 'problem')
})
