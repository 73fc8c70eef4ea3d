import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import { Type } from 'typebox'
import { addComponents, answers } from './components.ts'
import type { Api, ApiContext } from './context.ts'
import { DOCS_CSP } from './guard.ts'
import type { ApiError } from './http-error.ts'
import { approvalRoutes } from './routes/approvals.ts'
import { detectionRoutes } from './routes/detections.ts'
import { errandRoutes } from './routes/errands.ts'
import { evidenceRoutes } from './routes/evidence.ts'
import { eventRoutes } from './routes/events.ts'
import { baselineRoutes } from './routes/baselines.ts'
import { exceptionRoutes } from './routes/exceptions.ts'
import { feedbackRoutes } from './routes/feedback.ts'
import { flowRoutes } from './routes/flows.ts'
import { fleetRoutes } from './routes/fleet.ts'
import { leadershipRoutes } from './routes/leadership.ts'
import { mitigationRoutes } from './routes/mitigations.ts'
import { modelRoutes } from './routes/models.ts'
import { panicRoutes } from './routes/panic.ts'
import { protectedRoutes } from './routes/protected.ts'
import { rolloutRoutes } from './routes/rollouts.ts'
import { driftRoutes } from './routes/drift.ts'
import { statusRoutes } from './routes/status.ts'
import { threatPolicyRoutes } from './routes/threat-policies.ts'
import { addRoutes } from './server.ts'

/** `/api/v1`, its document at `/docs` and `/docs/json`, `/healthz` and `/readyz`. */
export async function addApi (app: Api, context: ApiContext): Promise<void> {
  addComponents(app)
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'AutoShield Mesh',
        version: context.version,
        description: 'What the loop sees, decides and does. Lists are newest first with `limit` and `cursor`; every refusal is `{code, message}`.',
      },
      tags: ['status', 'detections', 'decisions', 'mitigations', 'errands', 'rollouts', 'panic', 'protected', 'exceptions', 'baselines', 'flows', 'proxies', 'models', 'policy', 'audit', 'events'].map((name) => ({ name })),
    },
    // A schema is called by its own name in the document, not by the order in which it was added.
    refResolver: { buildLocalReference: (json, _base, _fragment, index) => typeof json['$id'] === 'string' ? json['$id'] : `def-${index}` },
  })
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: DOCS_CSP,
    theme: { title: 'AutoShield Mesh API' },
    uiConfig: { layout: 'BaseLayout', tryItOutEnabled: true },
  })
  await app.register(async (scope: Api) => addRoutes(scope, () => {
    const subjects = [
      statusRoutes, driftRoutes, leadershipRoutes, detectionRoutes, feedbackRoutes, approvalRoutes, mitigationRoutes, errandRoutes, evidenceRoutes, panicRoutes, protectedRoutes, flowRoutes, modelRoutes, rolloutRoutes, exceptionRoutes, baselineRoutes,
      threatPolicyRoutes, fleetRoutes, eventRoutes,
    ]
    for (const add of subjects) add(scope, context)
  }), { prefix: '/api/v1' })
  addProbes(app, context)
}

function addProbes (app: Api, { loop }: ApiContext): void {
  const Health = Type.Object({ status: Type.Literal('ok') }, { additionalProperties: false })
  addRoutes(app, () => {
    app.get('/healthz', {
      schema: { tags: ['status'], summary: 'Whether the process answers', response: answers(Health) },
    }, () => ({ status: 'ok' as const }))

    app.get('/readyz', {
      schema: {
        tags: ['status'],
        summary: 'Whether the loop is closed: detector connected, policy loaded, store writable',
        response: answers(Health),
      },
    }, (_request, reply) => {
      const { ready, reasons } = loop.ready()
      const notReady: ApiError = { code: 'UNAVAILABLE', message: `Not ready: ${reasons.join('; ')}.` }
      if (ready) reply.send({ status: 'ok' })
      else reply.code(503).send(notReady)
    })
  })
}
