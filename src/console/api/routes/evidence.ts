import { Type } from 'typebox'
import { AutoshieldError } from '../../../core/errors.ts'
import { existing, Id } from '../asked.ts'
import { answers, ref } from '../components.ts'
import type { Api, ApiContext } from '../context.ts'
import { KeptEvidence } from '../views.ts'

/** A plain file name: it goes into a header, and below a folder. */
const FileName = Type.String({ minLength: 1, maxLength: 255, pattern: '^[A-Za-z0-9_][A-Za-z0-9._-]*$', description: 'Name of a file that the evidence holds.' })

const FileText = Type.Unsafe<string>({ description: 'The file, to be saved.', content: { 'text/plain': { schema: { type: 'string' } } } })

/** What was kept of pods before they were evicted. */
export function evidenceRoutes (app: Api, { loop: { errands, evidence } }: ApiContext): void {
  const id = Id('Id of the eviction.')
  const keptOf = (errand: string) => {
    const { task } = existing(errands.get(errand), 'errand', errand, 'errands')
    if (task.type !== 'eviction' || task.evidence === undefined) throw new AutoshieldError('NOT_FOUND', `Nothing was kept for errand '${errand}': evidence is of evictions, once it was gathered.`)
    return task.evidence
  }

  app.get('/errands/:id/evidence', {
    schema: {
      tags: ['errands'],
      summary: 'What was kept of a pod before its eviction, what could not be had, and whether it is as it was kept',
      params: Type.Object({ id }),
      response: answers(ref(KeptEvidence), 404, 422),
    },
  }, async ({ params }) => {
    const kept = keptOf(params.id)
    const { manifest, sha256, changed } = await evidence.look(kept.name)
    const state: KeptEvidence['state'] = changed.length === 0 && sha256 === kept.sha256 ? 'as-kept' : 'changed'
    return { manifest, sha256, recorded: kept.sha256, state, changed: [...changed] }
  })

  app.get('/errands/:id/evidence/:file', {
    schema: {
      tags: ['errands'],
      summary: 'One file of it, to be saved',
      params: Type.Object({ id, file: FileName }),
      response: answers(FileText, 404, 422),
    },
  }, async ({ params }, reply) => {
    const text = await evidence.read(keptOf(params.id).name, params.file)
    reply.header('content-disposition', `attachment; filename="${params.file}"`).type('text/plain; charset=utf-8').send(text)
    return reply
  })
}
