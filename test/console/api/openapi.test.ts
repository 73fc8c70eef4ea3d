import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { attack, simulatedScan } from '../scenes.ts'
import { ask, stage } from '../stage.ts'
import { findTool, skipWithout } from '../../setup/tools.ts'

interface Operation { summary?: string, responses: Record<string, { content?: Record<string, { schema: unknown }> }> }
interface Document { openapi: string, paths: Record<string, Record<string, Operation>>, components: { schemas: Record<string, unknown> } }

t.test('the document names every object once, and every operation says its answers, errors included', async (t) => {
  const { urls } = await stage(t)
  const document = (await ask(`${urls.api}/docs/json`)).json() as Document
  t.match(document.openapi, /^3\.1/)
  for (const name of ['Detection', 'Decision', 'Mitigation', 'ApiError', 'AuditEntry', 'Pod', 'ProxyStatus']) t.ok(document.components.schemas[name], name)
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, { summary, responses }] of Object.entries(operations)) {
      t.ok(summary, `${method} ${path} has a summary`)
      for (const status of ['200', '400', '403', '500', '503']) t.ok(responses[status]?.content, `${method} ${path} says ${status}`)
    }
  }
})

t.test('the documentation is a page of our own that loads nothing from elsewhere', async (t) => {
  const { urls } = await stage(t)
  const page = await ask(`${urls.api}/docs`)
  t.match(page.headers['content-security-policy'], /default-src 'none'; script-src 'self';/)
  t.notMatch(page.text, /(src|href)="(https?:)?\/\//)
  for (const [, source = ''] of page.text.matchAll(/(?:src|href)="([^"]+)"/g)) t.equal((await ask(new URL(source, `${urls.api}/docs`).href)).status, 200, source)
})

const tool = findTool('schemathesis')
t.setTimeout(240_000) // several hundred requests, and Python's start

t.test('schemathesis finds no 500 and no answer that is not documented', { skip: skipWithout(tool.missing === undefined ? [] : [tool.missing]), timeout: 240_000 }, async (t) => {
  const { loop, urls } = await stage(t)
  await attack(loop)
  await simulatedScan(loop)
  const run = spawn(tool.path ?? '', [
    'run', `${urls.api}/docs/json`,
    '--exclude-path', '/api/v1/events', // never ends; its answers have tests of their own
    '--exclude-operation-id', 'applyMeshPolicy', // what a spec must be beyond its schema is said in words, which have tests of their own
    '--exclude-operation-id', 'addException', // as above
    '--exclude-operation-id', 'teachBaseline', // as above
    '--exclude-operation-id', 'markDetection', // as above: an exception is for a false alarm, and ends in time
    '--max-examples', '20', '--seed', '1', '--phases', 'examples,coverage,fuzzing', '--request-timeout', '10', '--no-color',
  ], { cwd: t.testdir({}), stdio: ['ignore', 'pipe', 'pipe'] })
  const [output, problems, [status]] = await Promise.all([text(run.stdout), text(run.stderr), once(run, 'exit') as Promise<[number]>])
  t.comment(output.slice(output.indexOf('== SUMMARY')))
  t.equal(status, 0, 'see the failures above')
  if (status !== 0) t.comment(output.slice(output.indexOf('== FAILURES'), 20_000), problems)
})
