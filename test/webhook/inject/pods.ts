import fc, { type Arbitrary } from 'fast-check'
import type { Namespace } from '../../../src/core/kubernetes/object.ts'
import { POD_SECURITY_LEVELS, type PodSecurityLevel } from '../../../src/core/injection/settings.ts'

type Json = Record<string, unknown>

/** Some of the fields, each drawn from its own arbitrary. */
const some = (fields: Record<string, Arbitrary<unknown>>): Arbitrary<Json> => fc.record(fields, { requiredKeys: [] })

const word = fc.stringMatching(/^[a-z]([a-z0-9-]{0,8}[a-z0-9])?$/)
const image = fc.constantFrom('nginx:1.27', 'busybox', 'registry.example:5000/a/b@sha256:0000000000000000000000000000000000000000000000000000000000000000')
const quantities = fc.record({ cpu: fc.constantFrom('1', '2', '500m', '0.5'), memory: fc.constantFrom('1Gi', '256Mi', '1024Mi') })
const resources = fc.oneof(quantities.map((limits): Json => ({ limits })), quantities.map((bounds): Json => ({ limits: bounds, requests: bounds })), fc.constant<Json>({}))

const OUR_ANNOTATIONS = some({
  'autoshield.dev/source': fc.constantFrom('sockdiag', 'packet', 'ebpf', 'als', ''),
  'autoshield.dev/sidecar': fc.constantFrom('native', 'container', 'both'),
  'autoshield.dev/cpu-request': fc.constantFrom('1m', '100m', '0.05', '3', 'x', '0'),
  'autoshield.dev/cpu-limit': fc.constantFrom('5m', '100m', '1', '900000', '1.0001'),
  'autoshield.dev/memory-request': fc.constantFrom('16Mi', '0.1Gi', '1000000', '99Gi'),
  'autoshield.dev/memory-limit': fc.constantFrom('1', '128Mi', '0.5Gi', '1100Mi', '200M', '200.5M'),
  'autoshield.dev/http-ports': fc.constantFrom('8080', '80,9090', 'x', ''),
  'autoshield.dev/proxy-ports': fc.constantFrom('19000:8080', '5432', '18009:80', '60000'),
  'autoshield.dev/status': fc.constantFrom('', '{}', '[]', 'forged'),
  'autoshield.dev/authorities': fc.constantFrom('', 'forged'),
})
const OUR_LABELS = some({ 'autoshield.dev/inject': fc.constantFrom('true', 'false', 'no'), 'autoshield.dev/rev': fc.constantFrom('default', 'v2'), 'autoshield.dev/proxy': fc.constantFrom('enabled', 'disabled', 'on') })

/** What a container may say at each level, by Pod Security. */
const SECURITY: Readonly<Record<PodSecurityLevel, Arbitrary<Json>>> = {
  privileged: some({ privileged: fc.boolean(), runAsUser: fc.nat(70_000), capabilities: fc.constant({ add: ['SYS_ADMIN'] }), readOnlyRootFilesystem: fc.boolean() }),
  baseline: some({ runAsUser: fc.nat(70_000), runAsNonRoot: fc.constant(false), capabilities: fc.constantFrom({ add: ['CHOWN'] }, { drop: ['ALL'] }), readOnlyRootFilesystem: fc.boolean() }),
  restricted: fc.tuple(some({ runAsUser: fc.integer({ min: 1, max: 70_000 }), readOnlyRootFilesystem: fc.boolean() }), fc.constant<Json>({ allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] }, runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } })).map(([more, must]) => ({ ...more, ...must })),
}

const container = (level: PodSecurityLevel, more: Json = {}): Arbitrary<Json> => fc.tuple(image, SECURITY[level], resources, some({
  imagePullPolicy: fc.constantFrom('Always', 'IfNotPresent'),
  command: fc.array(word, { maxLength: 3 }),
  env: fc.uniqueArray(fc.record({ name: word, value: fc.string() }), { maxLength: 3, selector: ({ name }) => name }),
  ports: fc.uniqueArray(fc.record({ containerPort: fc.constantFrom(80, 8080, 18009, 15090), protocol: fc.constantFrom('TCP', 'UDP') }), { maxLength: 2, selector: ({ containerPort }) => containerPort }),
})).map(([image, securityContext, resources, rest]) => ({ image, securityContext, resources, ...rest, ...more }))

const uniqueNames = (lists: readonly (readonly Json[])[]): Json[][] => {
  let count = 0
  return lists.map((list) => list.map((item) => ({ name: `c${count++}`, ...item })))
}

/** A pod that the API server takes in a namespace of this level. */
export const validPod = (level: PodSecurityLevel): Arbitrary<Json> => fc.record({
  name: word,
  labels: fc.tuple(fc.dictionary(word, word, { maxKeys: 3 }), OUR_LABELS),
  annotations: fc.tuple(fc.dictionary(word, fc.string(), { maxKeys: 2 }), OUR_ANNOTATIONS),
  containers: fc.array(container(level), { minLength: 1, maxLength: 3 }),
  initContainers: fc.array(fc.oneof(container(level), container(level, { restartPolicy: 'Always' })), { maxLength: 3 }),
  volumes: fc.uniqueArray(fc.record({ name: word, emptyDir: fc.constant({}) }), { maxLength: 3, selector: ({ name }) => name }),
  more: some({
    restartPolicy: fc.constantFrom('Always', 'Never', 'OnFailure'),
    shareProcessNamespace: fc.boolean(),
    automountServiceAccountToken: fc.boolean(),
    imagePullSecrets: fc.uniqueArray(fc.record({ name: word }), { maxLength: 2, selector: ({ name }) => name }),
    terminationGracePeriodSeconds: fc.nat(600),
    nodeSelector: fc.constantFrom({ 'kubernetes.io/os': 'linux' }, { disk: 'ssd' }),
    os: fc.constant({ name: 'linux' }),
    enableServiceLinks: fc.boolean(),
    hostname: word,
    resources: fc.constantFrom({ limits: { cpu: '16', memory: '16Gi' } }, { requests: { cpu: '16' } }),
    securityContext: level === 'restricted' ? fc.constantFrom({ runAsNonRoot: true }, { runAsNonRoot: true, runAsUser: 1000, fsGroup: 2000 }) : fc.constantFrom({}, { runAsUser: 1000, runAsGroup: 3000, fsGroup: 2000 }, { supplementalGroups: [4000] }),
  }),
}).map(({ name, labels, annotations, containers, initContainers, volumes, more }) => {
  const [first, rest] = uniqueNames([initContainers, containers])
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { ...labels[0], ...labels[1] }, annotations: { ...annotations[0], ...annotations[1] } },
    spec: { ...more, ...(initContainers.length > 0 ? { initContainers: first } : {}), containers: rest, volumes },
  }
})

/** Anything that JSON can say, and our own words in the wrong places. */
const odd: Arbitrary<unknown> = fc.oneof({ weight: 2, arbitrary: fc.constantFrom<unknown>(null, undefined, 0, true, '', 'autoshield-observer', 'autoshield-proxy', [], {}, [null], [[]]) }, { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 2 }) })

const oddContainer: Arbitrary<unknown> = fc.oneof(odd, some({
  name: fc.oneof(word, fc.constantFrom('autoshield-observer', 'autoshield-proxy', 'istio-proxy', 'linkerd-proxy'), odd),
  image: fc.oneof(image, fc.constantFrom('registry.example/autoshield:1.0.0', 'registry.example/autoshield@sha256:00'), odd),
  args: fc.oneof(fc.constant(['observer']), odd),
  ports: fc.oneof(fc.constant([{ containerPort: 18009 }]), odd),
  volumeMounts: fc.oneof(fc.constant([{ name: 'kube-api-access-abcde', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true }]), odd),
  resources: fc.oneof(resources, odd),
  securityContext: fc.oneof(fc.constant({ allowPrivilegeEscalation: false }), odd),
  imagePullPolicy: fc.oneof(fc.constant('Always'), odd),
}))
const oddVolume = fc.oneof(odd, some({ name: fc.oneof(fc.constantFrom('autoshield-identity', 'autoshield-proxy', 'autoshield-log'), word, odd), projected: fc.oneof(odd, fc.constant({ sources: [{ serviceAccountToken: { audience: 'autoshield' } }] })) }))
const oddList = (of: Arbitrary<unknown>): Arbitrary<unknown> => fc.oneof({ weight: 6, arbitrary: fc.array(of, { maxLength: 4 }) }, { weight: 1, arbitrary: odd })
const oddMap = (ours: Arbitrary<Json>): Arbitrary<unknown> => fc.oneof({ weight: 6, arbitrary: ours }, { weight: 2, arbitrary: fc.dictionary(fc.oneof(word, fc.constantFrom('autoshield.dev/status', 'autoshield.dev/inject', 'autoshield.dev/cpu-limit', 'kubernetes.io/config.mirror', '__proto__', 'a/b~c')), odd) }, { weight: 1, arbitrary: odd })

/** A pod that may be anything: fields missing, null or of another type, strangers under our names. As it comes from JSON. */
export const anyPod: Arbitrary<unknown> = some({
  apiVersion: odd,
  kind: odd,
  metadata: fc.oneof({ weight: 8, arbitrary: some({ name: odd, labels: oddMap(OUR_LABELS), annotations: oddMap(OUR_ANNOTATIONS), ownerReferences: odd }) }, { weight: 1, arbitrary: odd }),
  spec: fc.oneof({
    weight: 8,
    arbitrary: some({
      containers: oddList(oddContainer),
      initContainers: oddList(oddContainer),
      ephemeralContainers: fc.oneof({ weight: 9, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: oddList(oddContainer) }),
      volumes: oddList(oddVolume),
      imagePullSecrets: oddList(odd),
      hostNetwork: fc.oneof({ weight: 6, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: odd }),
      restartPolicy: fc.oneof(fc.constant('Never'), odd),
      nodeSelector: odd,
      os: odd,
      affinity: odd,
      resources: fc.oneof(fc.constant({ limits: { cpu: '1' } }), odd),
    })
  }, { weight: 1, arbitrary: odd }),
}).map((pod): unknown => JSON.parse(JSON.stringify(pod)))

export const anyNamespace: Arbitrary<Namespace> = fc.record({
  name: fc.constant('shop'),
  labels: fc.record({
    'autoshield.dev/injection': fc.constantFrom('enabled', 'enabled', 'required', 'required', 'disabled', 'odd'),
    'autoshield.dev/rev': fc.constantFrom('default', 'default', 'default', 'v2'),
    'autoshield.dev/proxy': fc.constantFrom('enabled', 'enabled', 'disabled', 'odd'),
    'pod-security.kubernetes.io/enforce': fc.constantFrom(...POD_SECURITY_LEVELS, 'odd'),
  }, { requiredKeys: [] }),
  annotations: fc.constant({}),
})
