import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { parse } from 'yaml'
import { autoshield } from '../program.ts'

function folder (t: Test): (name: string, text: string) => string {
  const dir = t.testdirName // not t.testdir(), which empties it at each call
  mkdirSync(dir, { recursive: true })
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  return (name, text) => {
    writeFileSync(join(dir, name), text)
    return join(dir, name)
  }
}

const SETTINGS = 'image: registry.example/autoshield:1\ndetector: detector:18001\nidentity: controller:18443\n'
const POD = 'apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: shop}\nspec:\n  containers:\n  - name: app # ours\n    image: nginx\n'

async function inject (t: Test, manifest: string, ...more: readonly string[]): ReturnType<typeof autoshield> {
  const file = folder(t)
  return autoshield(['inject', '-f', file('web.yaml', manifest), '--settings', file('settings.yaml', SETTINGS), '--authorities', file('ca.pem', 'PEM\n'), ...more])
}

async function check (t: Test, manifest: string, ...more: readonly string[]): ReturnType<typeof autoshield> {
  const file = folder(t)
  return autoshield(['check-inject', '-f', file('web.yaml', manifest), '--settings', file('settings.yaml', SETTINGS), '-o', 'json', ...more])
}

t.test('autoshield inject prints the injected manifest, and tells what it did on stderr', async (t) => {
  const { status, stdout, stderr } = await inject(t, POD)
  t.equal(status, 0)
  t.match(parse(stdout), { spec: { initContainers: [{ name: 'autoshield-observer', restartPolicy: 'Always' }], volumes: [{ name: 'autoshield-identity' }] } })
  t.match(stdout, '- name: app # ours')
  t.match(stderr, 'Pod shop/web: Injected: packet as native sidecar')
})

t.test('injected twice is injected once', async (t) => {
  const once = await inject(t, POD)
  const twice = await inject(t, once.stdout)
  t.equal(twice.stdout, once.stdout)
  t.match(twice.stderr, 'skipped: AlreadyInjected')
})

t.test('a namespace by flag, by file or in the manifest decides', async (t) => {
  const namespace = 'apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {autoshield.dev/injection: disabled}}\n'
  t.match((await inject(t, `${namespace}---\n${POD}`)).stderr, 'skipped: NamespaceOptedOut')
  t.match((await inject(t, POD, '--namespace-file', folder(t)('ns.yaml', namespace))).stderr, 'skipped: NamespaceOptedOut')
  const restricted = await inject(t, POD, '--namespace-label', 'pod-security.kubernetes.io/enforce=restricted', '--cluster-version', '1.28')
  t.match(restricted.stderr, 'sockdiag as ordinary container')
})

t.test('what is skipped passes through to the byte', async (t) => {
  const manifest = POD.replace('{name: web,', '{name:  web, labels: {autoshield.dev/inject: "false"},')
  const { stdout, stderr } = await inject(t, manifest)
  t.equal(stdout, manifest)
  t.match(stderr, 'PodOptedOut')
})

t.test('a missing file and bad settings end with 65 and say so', async (t) => {
  t.match(await autoshield(['inject', '-f', 'nowhere.yaml', '--settings', 'nowhere.yaml', '--authorities', 'x']), { status: 65, stderr: 'nowhere.yaml: there is no such file' })
  const file = folder(t)
  const bad = await autoshield(['inject', '-f', file('a', POD), '--settings', file('s.yaml', 'image: 3\n'), '--authorities', file('c', '')])
  t.match(bad, { status: 65, stderr: /s\.yaml:1: image is 3/ })
})

t.test('autoshield check-inject names the label that decided, and the mend', async (t) => {
  const out = await check(t, POD.replace('namespace: shop', 'namespace: shop, labels: {autoshield.dev/inject: "false"}'))
  t.equal(out.status, 0, 'somebody wanted it so')
  t.match(JSON.parse(out.stdout), { kind: 'Pod', namespace: 'shop', name: 'web', observed: 'no', reason: 'PodOptedOut', decidedBy: 'pod label autoshield.dev/inject=false', mend: /Remove the label/ })
  t.match(JSON.parse((await check(t, POD)).stdout), { observed: 'will be', reason: 'Injected', decidedBy: 'namespace label autoshield.dev/injection=enabled' })
})

t.test('check-inject ends with 79 where something should be observed and is not', async (t) => {
  const out = await check(t, POD.replace('- name: app', '- name: autoshield-observer'))
  t.equal(out.status, 79)
  t.match(JSON.parse(out.stdout), { observed: 'no', reason: 'NameTaken', findings: [{ code: 'NameTaken' }] })
})

t.test('check-inject wants either a manifest or an object', async (t) => {
  t.match(await autoshield(['check-inject']), { status: 64, stderr: 'name either a manifest' })
})
