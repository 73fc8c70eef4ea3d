import { existsSync } from 'node:fs'
import { join } from 'node:path'
import staticFiles from '@fastify/static'
import { AutoshieldError } from '../../core/errors.ts'
import type { Api } from './context.ts'

/**
 * Serves the built page of `folder` at `/`. Files under `assets/` carry their hash in the name and may be kept for good;
 * the page itself is asked for anew each time. Throws NOT_FOUND when the page was never built.
 */
export async function addPage (app: Api, folder: string): Promise<void> {
  if (!existsSync(join(folder, 'index.html'))) {
    throw new AutoshieldError('NOT_FOUND', `The dashboard's page is not built: ${folder} has no index.html; run 'npx vite build src/console/web'.`)
  }
  await app.register(staticFiles, {
    root: folder,
    index: ['index.html'],
    serveDotFiles: false,
    cacheControl: false,
    setHeaders: (reply, path) => {
      reply.header('cache-control', path.startsWith(join(folder, 'assets')) ? 'public, max-age=31536000, immutable' : 'no-cache')
    },
  })
}
