import { Type } from 'typebox'
import { existing, ObjectName } from '../asked.ts'
import { answers, ref } from '../components.ts'
import type { Api, ApiContext } from '../context.ts'
import { PageQuery, pageOf, paginate } from '../paging.ts'
import { ThreatPolicyView } from '../views.ts'

/** Rules that stand in the cluster; kubectl writes them. */
export function threatPolicyRoutes (app: Api, { loop: { threatPolicies } }: ApiContext): void {
  app.get('/threat-policies', {
    schema: {
      tags: ['policy'],
      summary: 'Threat policies of the cluster by name, with what became of them; none where no cluster is connected',
      querystring: Type.Object(PageQuery, { additionalProperties: false }),
      response: answers(pageOf(ref(ThreatPolicyView)), 404),
    },
  }, ({ query }) => paginate(threatPolicies.list(), ({ metadata }) => metadata.name, query))

  app.get('/threat-policies/:name', {
    schema: { tags: ['policy'], summary: 'One threat policy', params: Type.Object({ name: ObjectName('Name of the threat policy.') }), response: answers(ref(ThreatPolicyView), 404) },
  }, ({ params: { name } }) => existing(threatPolicies.list().find(({ metadata }) => metadata.name === name), 'threat policy', name, 'threat-policies'))
}
