import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:https'
import { createServer as createPlainServer } from 'node:http'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { buildPrograms, HELM, KUBERNETES } from './build.ts'
import { type Cluster, recordedCluster, startCluster, stopCluster } from './cluster.ts'
import { command } from './command.ts'
import { killProgram } from './kill-program.ts'
import { Pki } from './pki.ts'
import { endNamespaces, isAlive, Sandbox } from './sandbox.ts'
import { testCluster, withoutCluster } from './test-cluster.ts'

const api = { skip: withoutCluster('api') }
const node = { skip: withoutCluster('node') }

const container = (image: string, script: string): object => ({ name: 'main', image, imagePullPolicy: 'Never', command: ['sh', '-c', script] })

t.test('a namespace that enforces restricted Pod Security refuses a privileged pod', api, async (t) => {
  const { kubectl, namespace } = await testCluster(t, { needs: 'api' })
  const name = await namespace({ 'pod-security.kubernetes.io/enforce': 'restricted' })
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'privileged', namespace: name }, spec: { containers: [{ ...container('any.test/any:1', 'true'), securityContext: { privileged: true } }] } }
  await t.rejects(kubectl(['create', '-f', '-'], { stdin: JSON.stringify(pod) }), /violates PodSecurity "restricted:latest": privileged/)
})

t.test('the API server asks a webhook that listens in the test, and its audit log tells of the answer', api, async (t) => {
  const { kubectl, namespace, host, auditLog } = await testCluster(t, { needs: 'api' })
  const name = await namespace()
  const folder = mkdtempSync(join(tmpdir(), 'autoshield-webhook-'))
  const pki = await Pki.make(folder)
  await pki.issue('webhook', { commonName: 'webhook', addresses: [`IP:${host}`] })
  const server = createServer({ cert: readFileSync(pki.path('webhook.crt')), key: readFileSync(pki.path('webhook.key')) }, (request, response) => {
    json(request).then((review) => {
      const { request: { uid } } = review as { request: { uid: string } }
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: { uid, allowed: false, status: { message: `refused for ${name}` } } }))
    }, () => response.destroy())
  })
  await once(server.listen(0, host), 'listening')
  const { port } = server.address() as { port: number }
  const configuration = {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name },
    webhooks: [{
      name: 'refuse.autoshield.test',
      clientConfig: { url: `https://${host}:${port}/`, caBundle: readFileSync(pki.path('ca.crt')).toString('base64') },
      rules: [{ apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'], operations: ['CREATE'] }],
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } },
      sideEffects: 'None',
      admissionReviewVersions: ['v1'],
    }],
  }
  t.teardown(async () => {
    await kubectl(['delete', 'validatingwebhookconfiguration', name])
    server.close()
    server.closeAllConnections()
    rmSync(folder, { recursive: true })
  })
  await kubectl(['create', '-f', '-'], { stdin: JSON.stringify(configuration) })
  // The API server hears of a configuration by a watch: for a moment it may not ask yet.
  for (let attempt = 0; ; attempt++) {
    const refused = await kubectl(['create', 'configmap', `try-${attempt}`, '-n', name]).then(() => false, (error: unknown) => String(error))
    if (refused === false && attempt < 50) continue
    t.match(refused, new RegExp(`denied the request: refused for ${name}`))
    break
  }
  t.match(readFileSync(auditLog, 'utf8'), `refused for ${name}`)
})

t.test('pods run: a Deployment becomes ready, its Service is reached by its address and sees who asks, a Job ends', node, async (t) => {
  const { kubectl, namespace, images, host } = await testCluster(t, { needs: 'node' })
  const name = await namespace()
  const labels = { app: 'web' }
  const serve = 'mkdir -p /www/cgi-bin; printf "#!/bin/sh\\necho; echo asked by \\$REMOTE_ADDR\\n" > /www/cgi-bin/who; chmod +x /www/cgi-bin/who; echo serving; exec httpd -f -p 8080 -h /www'
  const server = createPlainServer((_request, response) => { response.end('the test answers') })
  await once(server.listen(0, host), 'listening')
  t.teardown(() => { server.close(); server.closeAllConnections() })
  const { port } = server.address() as { port: number }
  const ask = `wget -qO- http://$WEB_SERVICE_HOST:80/cgi-bin/who && wget -qO- http://${host}:${port}/ && echo && echo I am $(hostname -i)`
  const objects = {
    apiVersion: 'v1',
    kind: 'List',
    items: [
      { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' }, spec: { selector: labels, ports: [{ port: 80, targetPort: 8080 }] } },
      { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' }, spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { terminationGracePeriodSeconds: 0, containers: [{ ...container(images.busybox, serve), readinessProbe: { httpGet: { path: '/cgi-bin/who', port: 8080 }, periodSeconds: 1 } }] } } } },
      { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'ask' }, spec: { backoffLimit: 20, template: { spec: { restartPolicy: 'OnFailure', containers: [container(images.busybox, ask)] } } } },
    ],
  }
  await kubectl(['create', '-n', name, '-f', '-'], { stdin: JSON.stringify(objects) })
  await kubectl(['-n', name, 'wait', 'deployment/web', '--for=condition=Available', '--timeout=120s'])
  t.match(await kubectl(['-n', name, 'logs', 'deployment/web']), 'serving')
  t.match(await kubectl(['-n', name, 'exec', 'deployment/web', '--', 'cat', '/www/cgi-bin/who']), 'asked by')
  await kubectl(['-n', name, 'wait', 'job/ask', '--for=condition=Complete', '--timeout=120s'])
  const said = await kubectl(['-n', name, 'logs', 'job/ask'])
  t.match(said, 'the test answers')
  t.equal(/asked by .*?(\d+\.\d+\.\d+\.\d+)/.exec(said)?.[1], /I am (\S+)/.exec(said)?.[1], 'the server sees the address of the pod, not of the node')
})

t.test('the image of this checkout runs as a user without rights', node, async (t) => {
  const { kubectl, namespace, images } = await testCluster(t, { needs: 'node' })
  const name = await namespace({ 'pod-security.kubernetes.io/enforce': 'restricted' })
  const restricted = { allowPrivilegeEscalation: false, runAsNonRoot: true, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] }, seccompProfile: { type: 'RuntimeDefault' } }
  const job = { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'policy', namespace: name }, spec: { backoffLimit: 0, template: { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: images.autoshield, args: ['--version'], securityContext: restricted }] } } } }
  await kubectl(['create', '-f', '-'], { stdin: JSON.stringify(job) })
  await kubectl(['-n', name, 'wait', 'job/policy', '--for=condition=Complete', '--timeout=120s'])
  t.match(await kubectl(['-n', name, 'logs', 'job/policy']), /^\d+\.\d+\.\d+$/m)
})

t.test('the attack tools of the image run', node, async (t) => {
  const { kubectl, namespace, images } = await testCluster(t, { needs: 'node' })
  const name = await namespace()
  const script = 'nmap -sT -p 1-20 -Pn 127.0.0.1 && tcpdump --version && ss -tn && curl --version && nginx -v && openssl version'
  await kubectl(['-n', name, 'create', '-f', '-'], { stdin: JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'tools' }, spec: { restartPolicy: 'Never', containers: [container(images.tools, script)] } }) })
  await kubectl(['-n', name, 'wait', 'pod/tools', '--for=jsonpath={.status.phase}=Succeeded', '--timeout=120s'])
  t.match(await kubectl(['-n', name, 'logs', 'tools']), /Nmap done: 1 IP address/)
})

t.test('programs say the release that go.mod names', api, async (t) => {
  const programs = await buildPrograms((line) => { t.comment(line) })
  const module = readFileSync(new URL('control-plane/go.mod', import.meta.url), 'utf8')
  t.match(module, `k8s.io/kubernetes v${KUBERNETES}\n`)
  t.match(module, `helm.sh/helm/v3 v${HELM} `)
  t.match(await command(join(programs, 'kubectl'), ['version', '--client']), `Client Version: v${KUBERNETES}`)
  t.match(await command(join(programs, 'helm'), ['version', '--short']), `v${HELM}`)
})

t.test('a cluster runs beside another, ends with its owner, and the next start removes what is left', node, async (t) => {
  const say = (line: string): void => { t.comment(line) }
  const program = `import { startCluster } from ${JSON.stringify(new URL('cluster.ts', import.meta.url).href)}
    console.log(JSON.stringify(await startCluster({ node: true, lasting: false, say: () => {} })))
    setInterval(() => {}, 1000)`
  const owner = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = await once(owner.stdout, 'data') as [Buffer]
  const orphan = JSON.parse(line.toString()) as Cluster
  t.ok(isAlive(orphan.keeper))
  owner.kill('SIGKILL')
  while (isAlive(orphan.keeper)) await delay(20)
  t.same(processesOf(orphan), [], 'every process ended with its owner')
  t.ok(existsSync(orphan.folder))

  const other = await startCluster({ node: false, lasting: false, say })
  t.notOk(existsSync(orphan.folder), 'the next start removed the folder of the dead one')
  await stopCluster(other)
  for (const cluster of [orphan, other]) {
    t.same(processesOf(cluster), [])
    t.same(recordedCluster(cluster.folder), undefined)
    t.notOk(networkInterfaces()[cluster.wire.link])
    t.notMatch(readFileSync('/proc/self/mounts', 'utf8'), cluster.folder)
    t.same(readdirSync('/sys/fs/cgroup').filter((controller) => existsSync(join('/sys/fs/cgroup', controller, cluster.wire.link))), [])
  }
})

t.test('API server and etcd that are killed are started again, and have what was stored', api, async (t) => {
  const cluster = await startCluster({ node: false, lasting: false, say: () => undefined })
  t.teardown(() => stopCluster(cluster))
  const kubectl = async (...args: string[]): Promise<string> => command(join(cluster.programs, 'kubectl'), ['--kubeconfig', cluster.kubeconfig, ...args])
  const isReady = async (): Promise<boolean> => await kubectl('get', '--raw', '/readyz', '--request-timeout=5s').catch(() => '') === 'ok'
  for (const [at, name] of (['kube-apiserver', 'etcd'] as const).entries()) {
    await kubectl('create', 'configmap', `before-${at}`)
    const restart = await killProgram(cluster, name)
    await t.rejects(killProgram(cluster, name), new RegExp(`no ${name} runs in the cluster`), `${name} is gone`)
    while (await isReady()) await delay(100) // it does not ask etcd each time
    restart()
    while (!await isReady()) await delay(100)
    t.match(await kubectl('get', 'configmaps', '-o', 'name'), `configmap/before-${at}`)
  }
})

t.test('a start that is given up leaves nothing', api, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'autoshield-failing-'))
  const signal = AbortSignal.abort(new Error('given up'))
  await t.rejects(startCluster({ folder, node: false, lasting: false, say: () => undefined, signal }), /given up/)
  t.notOk(existsSync(folder))
})

t.test('a program that ends by itself is named, with its last words', api, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'autoshield-sandbox-'))
  const pause = join(await buildPrograms((line) => { t.comment(line) }), 'pause')
  const sandbox = await Sandbox.start({ folder, logs: folder, pause, prepare: '', lasting: false })
  t.teardown(async () => {
    await endNamespaces(sandbox.keeper)
    rmSync(folder, { recursive: true })
  })
  t.equal((await sandbox.run('sh', '-c', 'set -- /proc/[0-9]*; echo $#')).trim(), '2', 'inside are only the first process and what was run')
  sandbox.launch('broken', 'sh', '-c', 'echo no such flag; exit 3')
  while (!sandbox.failed.aborted) await delay(20) // what was launched does not keep this process alive
  t.match(String(sandbox.failed.reason), /broken ended with 3; .*broken\.log.*\n?.*no such flag/s)
})

/** Processes whose command line names a cluster's folder. */
function processesOf ({ folder }: Cluster): string[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
      return line.includes(folder) ? [line] : []
    } catch {
      return [] // it ended meanwhile
    }
  })
}
