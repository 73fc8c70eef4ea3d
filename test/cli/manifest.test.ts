import t from 'tap'
import { parse, parseAllDocuments } from 'yaml'
import type { Operation } from '../../webhook/inject/patch.ts'
import { readManifest } from '../../src/cli/manifest.ts'

/** The manifest with these operations done on each pod or template in it. */
function edited (text: string, operations: readonly Operation[]): string {
  return readManifest(text, 'web.yaml').map((document) => document.print(document.subjects.map((subject) => ({ subject, operations })))).join('')
}

const first: Operation = { op: 'add', path: '/spec/containers/0', value: { name: 'new', args: ['yes', '0644', 'a: b', ''], ready: true, port: 80 } }
const DEPLOYMENT = `# Rendered by helm.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web # the front end
spec:
  replicas: 03
  template:
    spec:
      containers:
      # the application
      - name: app
        args: [--mode, 0755, yes, "no"]
        env:
        - name: MOTD
          value: |
            hello
              world
      volumes:
      - name: keys
        secret: {defaultMode: 0400}
      - name: scratch
        emptyDir:
`

t.test('only what is added is new: comments, order, octal numbers, nothings and block texts stay', async (t) => {
  const before = DEPLOYMENT.split('\n')
  const after = edited(DEPLOYMENT, [first]).split('\n')
  let at = 0
  for (const line of before) {
    at = after.indexOf(line, at) + 1
    t.ok(at > 0, `"${line}" is still there, in its order`)
  }
  t.equal(after.indexOf('      - name: new') < after.indexOf('      # the application'), true, 'a comment stays above its element')
})

t.test('what is added reads the same in YAML 1.1 and 1.2', async (t) => {
  for (const version of ['1.1', '1.2'] as const) {
    const { spec } = parse(edited(DEPLOYMENT, [first]), { version }) as { spec: { template: { spec: { containers: unknown[] } } } }
    t.strictSame(spec.template.spec.containers[0], first.value)
  }
})

t.test('a document without a workload passes through to the byte, whatever its style', async (t) => {
  const service = '---\n# Source: x\nkind:   Service\nmetadata: { "name":  web}   # odd\n\n\n'
  const other = `--- # two\n${DEPLOYMENT}`
  t.equal(edited(service + other, [first]).slice(0, service.length), service)
  t.equal(edited(service + other, []), service + other)
})

const POD = 'metadata: {labels: {app: a}}\nspec:\n  containers:\n    - name: app\n'
const indent = (text: string, by: number): string => text.replace(/^(?=.)/gm, ' '.repeat(by))
const WORKLOADS = {
  Pod: `kind: Pod\n${POD}`,
  PodTemplate: `kind: PodTemplate\ntemplate:\n${indent(POD, 2)}`,
  Deployment: `kind: Deployment\nspec:\n  template:\n${indent(POD, 4)}`,
  StatefulSet: `kind: StatefulSet\nspec:\n  template:\n${indent(POD, 4)}`,
  DaemonSet: `kind: DaemonSet\nspec:\n  template:\n${indent(POD, 4)}`,
  ReplicaSet: `kind: ReplicaSet\nspec:\n  template:\n${indent(POD, 4)}`,
  ReplicationController: `kind: ReplicationController\nspec:\n  template:\n${indent(POD, 4)}`,
  Job: `kind: Job\nspec:\n  template:\n${indent(POD, 4)}`,
  CronJob: `kind: CronJob\nspec:\n  jobTemplate:\n    spec:\n      template:\n${indent(POD, 8)}`,
  'a List': `kind: List\nitems:\n- kind: Service\n- kind: Pod\n${indent(POD, 2)}`,
  'a DeploymentList': `kind: DeploymentList\nitems:\n- kind: Deployment\n  spec:\n    template:\n${indent(POD, 6)}`,
}
for (const [kind, text] of Object.entries(WORKLOADS)) {
  t.test(`the pod of ${kind} is found and edited`, async (t) => {
    t.match(edited(text, [first]), /- name: new\n/)
    t.equal(readManifest(text, 'x').flatMap(({ subjects }) => subjects).length, 1)
  })
}

t.test('JSON stays JSON, with its indentation', async (t) => {
  const text = `${JSON.stringify({ kind: 'Job', spec: { template: { spec: { containers: [{ name: 'app' }] } } } }, null, 4)}\n`
  const out = edited(text, [first, { op: 'add', path: '/metadata/annotations', value: { a: 'b' } }])
  t.match(JSON.parse(out), { spec: { template: { metadata: { annotations: { a: 'b' } }, spec: { containers: [first.value, { name: 'app' }] } } } })
  t.match(out, /^ {4}"kind"/m)
  t.equal(edited(text, []), text)
})

t.test('a template without metadata gets some, and a null is written over', async (t) => {
  for (const metadata of ['', 'metadata:\n', 'metadata: null\n', 'metadata: {annotations: null}\n']) {
    const out = edited(`kind: Pod\n${metadata}spec: {containers: []}\n`, [{ op: 'add', path: '/metadata/annotations', value: { 'a/b': 'c' } }])
    t.match(parse(out), { metadata: { annotations: { 'a/b': 'c' } } })
  }
})

t.test('an alias is written out where it is edited, and its anchor stays as it is', async (t) => {
  const out = edited('kind: List\nitems:\n- kind: ConfigMap\n  data: &pod\n    containers: [{name: app}]\n- kind: Pod\n  spec: *pod\n', [first])
  t.match(parse(out), { items: [{ data: { containers: [{ name: 'app' }] } }, { spec: { containers: [first.value, { name: 'app' }] } }] })
})

t.test('a merge key where we would write is named, and nothing is guessed', async (t) => {
  t.throws(() => edited('x: &base {containers: [{name: app}]}\nkind: Pod\nspec: {<<: *base}\n', [first]), { code: 'BAD_DATA', message: /merge keys/ })
})

t.test('broken YAML is told with its file and line', async (t) => {
  t.throws(() => readManifest('kind: Pod\n---\nkind: Job\nspec: [a\n', 'web.yaml'), { code: 'BAD_DATA', message: /^web\.yaml:[45]: not valid YAML/ })
})

t.test('dashes inside a text begin no document', async (t) => {
  const text = 'kind: ConfigMap\ndata:\n  ca: |\n    ---\n    x\n---\nkind: Pod\nspec: {containers: []}\n'
  t.equal(readManifest(text, 'x').length, 2)
  t.equal(parseAllDocuments(edited(text, [{ op: 'add', path: '/spec/x', value: 1 }])).length, 2)
})
