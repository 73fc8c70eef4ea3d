import { join } from 'node:path'
import t from 'tap'
import { parsePodFile, readPodText } from '../../../src/adapters/standalone/pod-file.ts'
import { policyFile } from '../../../src/adapters/standalone/policy-file.ts'
import { ReplayPods } from '../../../src/adapters/standalone/replay-pods.ts'

const readPodFile = (path: string) => parsePodFile(readPodText(path), path)

t.test('without a file each address is a pod, with a name that Kubernetes would take and the same uid every time', async (t) => {
  const pods = new ReplayPods()
  for (const address of ['10.0.0.5', 'fd00::5', 'fd00:1::', '::1']) {
    const pod = pods.byAddress(address)
    t.match(pod, { namespace: 'replay', addresses: [address] })
    t.match(pod?.name, /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/)
    t.equal(new ReplayPods().byAddress(address)?.uid, pod?.uid)
  }
  t.equal(pods.list().length, 4)
  for (const address of ['224.0.0.251', '255.255.255.255', '0.0.0.0', 'ff02::1', '::', 'nonsense', '']) t.equal(pods.byAddress(address), null, address)
})

t.test('pods that are made up are bounded', async (t) => {
  const pods = new ReplayPods()
  for (let i = 0; i < 10_500; i++) pods.byAddress(`10.1.${i >> 8}.${i & 255}`)
  t.equal(pods.list().length, 10_000)
  t.equal(pods.list()[0]?.addresses[0], '10.1.1.244', 'the oldest went')
})

t.test('a pod file says who has which address, in any spelling of it', async (t) => {
  const dir = t.testdir({
    'pods.json': JSON.stringify({
      '10.0.0.5': { namespace: 'shop', name: 'db-0', labels: { app: 'db' }, uid: 'u5', node: 'n1' },
      'FD00:0::5': { namespace: 'shop', name: 'db-0' },
    }),
  })
  const pods = readPodFile(join(dir, 'pods.json'))
  t.strictSame(pods.byAddress('fd00::5'), { uid: 'u5', namespace: 'shop', name: 'db-0', addresses: ['10.0.0.5', 'fd00::5'], labels: { app: 'db' }, node: 'n1' })
  t.equal(pods.byAddress('10.0.0.5'), pods.byAddress('fd00::5'))
  t.equal(pods.list().length, 1)
  t.equal(pods.byAddress('10.0.0.6'), null)
})

t.test('a bad pod file is refused with its place and the mend', async (t) => {
  const cases: [string, RegExp][] = [
    ['{"10.0.0.5": {\n  "namespace" "shop"}}', /pods\.json:2:\d+: .*Correct the JSON/],
    ['[]', /Write \{"10/],
    ['{"10.0.0.5": {"namespace": "shop"}}', /10\.0\.0\.5.*name/],
    ['{"10.0.0.5": {"namespace": "shop", "name": "a", "nmae": "b"}}', /10\.0\.0\.5/],
    ['{"10.0.0.500": {"namespace": "shop", "name": "a"}}', /"10\.0\.0\.500" is no IP address/],
    ['{"::1": {"namespace": "shop", "name": "a"}, "0::1": {"namespace": "shop", "name": "b"}}', /twice/],
  ]
  for (const [text, message] of cases) {
    const dir = t.testdir({ 'pods.json': text })
    t.throws(() => readPodFile(join(dir, 'pods.json')), { code: 'BAD_DATA', message }, text)
  }
  t.throws(() => readPodFile(join(t.testdir(), 'none.json')), { code: 'NOT_FOUND', message: /--pods/ })
})

t.test('a policy file is read anew each time, and its absence is said with the mend', async (t) => {
  const dir = t.testdir({ 'p.yaml': 'rules: []' })
  t.equal(await policyFile(join(dir, 'p.yaml')).read(), 'rules: []')
  await t.rejects(policyFile(join(dir, 'q.yaml')).read(), { code: 'NOT_FOUND', message: /--policy/ })
  await t.rejects(policyFile(dir).read(), { code: 'UNAVAILABLE', message: /EISDIR/ })
})
