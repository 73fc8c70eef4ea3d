import { readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Pki } from './pki.ts'
import type { Sandbox } from './sandbox.ts'

/** Inside the sandbox nothing else listens and nothing else is routed, so that every cluster can have the same. */
export const API_PORT = 6443
export const PODS = '10.244.0.0/16'
const SERVICES = '10.96.0.0/16'
const API_SERVICE = '10.96.0.1'
const ETCD = 'http://127.0.0.1:2379'
const READY_WITHIN_MS = 120_000
const POLL_MS = 100

/** What `startControlPlane` starts, by the names of their programs and of their logs. */
export const KUBERNETES_PROGRAMS = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const

export interface ControlPlane {
  readonly sandbox: Sandbox
  /** Where the programs are that `buildPrograms` made. */
  readonly programs: string
  readonly pki: Pki
  /** A private folder for what they keep and write. */
  readonly folder: string
  readonly auditLog: string
  /** Where the API server is reached, inside and outside. */
  readonly address: string
}

const AUDIT_POLICY = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [
    { level: 'None', users: ['system:apiserver', 'system:kube-controller-manager', 'system:kube-scheduler'] },
    { level: 'None', userGroups: ['system:nodes', 'system:serviceaccounts:kube-system'] },
    { level: 'None', nonResourceURLs: ['/readyz*', '/livez*', '/healthz*', '/openapi/*', '/apis*', '/api*', '/version'] },
    { level: 'RequestResponse', verbs: ['create', 'update', 'patch', 'delete', 'deletecollection'] },
    { level: 'Metadata' },
  ],
}

/** Starts etcd, the API server, the controllers and the scheduler; resolves when pods can be created. */
export async function startControlPlane (plane: ControlPlane): Promise<void> {
  const { sandbox, programs, pki, folder, auditLog, address } = plane
  await Promise.all([
    pki.issue('apiserver', { commonName: 'kube-apiserver', addresses: [`IP:${address}`, 'IP:127.0.0.1', `IP:${API_SERVICE}`, 'DNS:kubernetes.default.svc', 'DNS:localhost'] }),
    pki.issue('apiserver-to-kubelet', { commonName: 'kube-apiserver-kubelet-client', group: 'system:masters' }),
    pki.issue('admin', { commonName: 'admin', group: 'system:masters' }),
    pki.issue('controllers', { commonName: 'system:kube-controller-manager' }),
    pki.issue('scheduler', { commonName: 'system:kube-scheduler' }),
  ])
  for (const user of ['admin', 'controllers', 'scheduler']) writeFileSync(join(folder, `${user}.kubeconfig`), pki.kubeconfig(user, `https://${address}:${API_PORT}`), { mode: 0o600 })
  const audit = join(folder, 'audit-policy.json')
  writeFileSync(audit, JSON.stringify(AUDIT_POLICY))

  sandbox.launch('etcd', join(programs, 'etcd'), `--data-dir=${join(folder, 'etcd')}`, `--listen-client-urls=${ETCD}`, `--advertise-client-urls=${ETCD}`,
    '--unsafe-no-fsync', '--log-level=warn') // the data dies with the cluster: no disk need be waited for
  sandbox.launch('kube-apiserver', join(programs, 'kube-apiserver'), `--etcd-servers=${ETCD}`, '--bind-address=0.0.0.0', `--secure-port=${API_PORT}`, `--advertise-address=${address}`,
    `--tls-cert-file=${pki.path('apiserver.crt')}`, `--tls-private-key-file=${pki.path('apiserver.key')}`, `--client-ca-file=${pki.path('ca.crt')}`, `--cert-dir=${folder}`,
    '--service-account-issuer=https://kubernetes.default.svc', `--service-account-key-file=${pki.path('sa.pub')}`, `--service-account-signing-key-file=${pki.path('sa.key')}`,
    '--authorization-mode=Node,RBAC', '--enable-admission-plugins=NodeRestriction', `--service-cluster-ip-range=${SERVICES}`, '--allow-privileged=true',
    `--kubelet-client-certificate=${pki.path('apiserver-to-kubelet.crt')}`, `--kubelet-client-key=${pki.path('apiserver-to-kubelet.key')}`,
    `--kubelet-certificate-authority=${pki.path('ca.crt')}`, '--kubelet-preferred-address-types=InternalIP',
    `--audit-policy-file=${audit}`, `--audit-log-path=${auditLog}`, '--audit-log-maxsize=200', '--audit-log-mode=blocking-strict', // a line is there before the answer is
    '--enable-aggregator-routing=true') // to webhooks by their endpoints' addresses: works before, and without, kube-proxy
  await answers(plane, '/readyz')

  const common = (user: string): string[] => [...['kubeconfig', 'authentication-kubeconfig', 'authorization-kubeconfig'].map((flag) => `--${flag}=${join(folder, `${user}.kubeconfig`)}`),
    '--bind-address=127.0.0.1', '--leader-elect=false', `--cert-dir=${folder}`]
  sandbox.launch('kube-controller-manager', join(programs, 'kube-controller-manager'), ...common('controllers'), '--use-service-account-credentials=true',
    `--service-account-private-key-file=${pki.path('sa.key')}`, `--root-ca-file=${pki.path('ca.crt')}`, `--cluster-signing-cert-file=${pki.path('ca.crt')}`, `--cluster-signing-key-file=${pki.path('ca.key')}`)
  sandbox.launch('kube-scheduler', join(programs, 'kube-scheduler'), ...common('scheduler'))
  await answers(plane, '/api/v1/namespaces/default/serviceaccounts/default') // without it no pod is admitted
}

/** Asks until the API server answers 200 and `enough` says yes to the body. */
export async function answers (plane: Pick<ControlPlane, 'sandbox' | 'pki' | 'address'>, path: string, enough: (body: string) => boolean = () => true): Promise<void> {
  const { sandbox, pki, address } = plane
  const credentials = { ca: readFileSync(pki.path('ca.crt')), cert: readFileSync(pki.path('admin.crt')), key: readFileSync(pki.path('admin.key')) }
  const deadline = Date.now() + READY_WITHIN_MS
  while (Date.now() < deadline) {
    sandbox.failed.throwIfAborted()
    if (await get(`https://${address}:${API_PORT}${path}`, credentials).then(enough, () => false)) return
    await delay(POLL_MS)
  }
  throw new Error(`the API server did not answer 200 to ${path} within ${READY_WITHIN_MS / 1000} s; the logs are beside ${pki.folder}`)
}

function get (url: string, credentials: { ca: Buffer, cert: Buffer, key: Buffer }): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  request(url, { ...credentials, signal: AbortSignal.timeout(5000) }, (response) => {
    let body = ''
    response.setEncoding('utf8').on('data', (chunk: string) => { body += chunk })
    response.once('end', () => { if (response.statusCode === 200) resolve(body); else reject(new Error(`HTTP ${String(response.statusCode)}`)) })
    response.once('error', reject)
  }).once('error', reject).end()
  return promise
}
