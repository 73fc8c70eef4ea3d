import { RESOURCES } from '../../src/core/kubernetes/resource.ts'
import { isRecord } from '../../src/core/kubernetes/read-object.ts'
import type { KubernetesObject } from '../../src/core/kubernetes/object.ts'
import type { FakeKubernetes } from '../kubernetes/fake-api.ts'

export interface Holder {
  readonly namespace?: string
  readonly serviceAccount?: string
  readonly pod?: string
  readonly uid?: string
}

/** What the API server would say of a token: `status` of a TokenReview. As recorded from a real 1.34. */
export function reviewOf ({ namespace = 'shop', serviceAccount = 'cart', pod = 'cart-0', uid = `uid-of-${pod}` }: Holder = {}): Record<string, unknown> {
  return {
    authenticated: true,
    audiences: ['autoshield'],
    user: {
      username: `system:serviceaccount:${namespace}:${serviceAccount}`,
      uid: '91855347-1e8c-426c-886a-91d1eb1f9c00',
      groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
      extra: { 'authentication.kubernetes.io/pod-name': [pod], 'authentication.kubernetes.io/pod-uid': [uid] },
    },
  }
}

/** Lets the fake API server know tokens by name; any other is not authenticated. */
export function knowTokens (api: FakeKubernetes, statuses: ReadonlyMap<string, Record<string, unknown>>): void {
  api.answers.set(RESOURCES.tokenReviews.plural, (review: KubernetesObject) => {
    const { spec } = review
    const token = isRecord(spec) ? String(spec['token']) : ''
    return { ...review, status: statuses.get(token) ?? { user: {}, error: '[invalid bearer token]' } }
  })
}

export function seedPod (api: FakeKubernetes, { namespace = 'shop', serviceAccount = 'cart', pod = 'cart-0', uid = `uid-of-${pod}` }: Holder = {}, change: { metadata?: object, phase?: string } = {}): void {
  api.seed(RESOURCES.pods, {
    metadata: { name: pod, namespace, uid, ...change.metadata },
    spec: { serviceAccountName: serviceAccount, containers: [{ name: 'app', image: 'x' }] },
    status: { phase: change.phase ?? 'Running' },
  })
}
