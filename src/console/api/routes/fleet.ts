import { Type } from 'typebox'
import { AutoshieldError } from '../../../core/errors.ts'
import type { AuditTrail } from '../../../ports/audit.ts'
import { Id } from '../asked.ts'
import type { Api, ApiContext } from '../context.ts'
import { answers, ref } from '../components.ts'
import { PageQuery, pageOf, paginate, SCAN_LIMIT } from '../paging.ts'
import { proxyView } from '../proxy-view.ts'
import { AuditEntry, Policy, Proxy, Snapshot } from '../views.ts'

const AuditQuery = Type.Object({
  ...PageQuery,
  text: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: 'Anywhere in the entry.' })),
  actor: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
  action: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
  object: Type.Optional(Type.String({ minLength: 1, maxLength: 253 })),
  since: Type.Optional(Type.String({ format: 'date-time' })),
}, { additionalProperties: false })

export function fleetRoutes (app: Api, { loop, clock }: ApiContext): void {
  app.get('/proxies', {
    schema: {
      tags: ['proxies'],
      summary: 'Proxies and what they answered to their newest snapshot',
      querystring: Type.Object({ ...PageQuery, namespace: Type.Optional(Type.String({ minLength: 1, maxLength: 63, description: 'Only those of its pods.' })) }, { additionalProperties: false }),
      response: answers(pageOf(ref(Proxy)), 404),
    },
  }, ({ query: { namespace, ...page } }) => {
    const wanted = loop.proxies.statuses().filter(({ podUid }) => namespace === undefined || loop.pods.byUid(podUid)?.namespace === namespace)
    const { items, next } = paginate(wanted.toSorted((a, b) => a.podUid < b.podUid ? -1 : 1), ({ podUid }) => podUid, page)
    return { items: items.map((status) => proxyView(loop, status, clock.now())), next }
  })

  app.get('/proxies/:podUid/snapshot', {
    schema: {
      tags: ['proxies'],
      summary: 'The xDS resources that the proxy of this pod has or would get',
      params: Type.Object({ podUid: Id('UID of the pod.') }),
      response: answers(ref(Snapshot), 404),
    },
  }, async ({ params: { podUid } }) => {
    const snapshot = await loop.proxies.snapshot(podUid)
    if (snapshot === null) throw new AutoshieldError('NOT_FOUND', `No snapshot is kept for a pod '${podUid}'; GET /api/v1/proxies lists the proxies.`)
    return { version: snapshot.version, resources: snapshot.resources ?? null }
  })

  app.get('/policy', {
    schema: { tags: ['policy'], summary: 'The rules in force', response: answers(ref(Policy)) },
  }, () => {
    const { source, rules } = loop.policy()
    return { source, rules: [...rules] }
  })

  app.get('/audit', {
    schema: {
      tags: ['audit'],
      summary: `Search the audit trail, newest first, within the newest ${SCAN_LIMIT} matches`,
      querystring: AuditQuery,
      response: answers(pageOf(ref(AuditEntry)), 404),
    },
  }, ({ query: { text, actor, action, object, since, ...page } }) => {
    const search: Parameters<AuditTrail['search']>[0] = {
      ...(text !== undefined && { text }),
      ...(actor !== undefined && { actor }),
      ...(action !== undefined && { action }),
      ...(object !== undefined && { object }),
      ...(since !== undefined && { sinceMs: Date.parse(since) }),
      limit: SCAN_LIMIT,
    }
    const entries = loop.audit.search(search).toSorted((a, b) => b.sequence - a.sequence)
    return paginate(entries.map((entry) => ({ ...entry, detail: { ...entry.detail } })), ({ sequence }) => String(sequence), page)
  })
}
