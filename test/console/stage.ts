import { request, type OutgoingHttpHeaders } from 'node:http'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import type { Test } from 'tap'
import { createConsole, type ConsoleOptions, type ConsoleUrls } from '../../src/console/api/console.ts'
import { FakeLoop } from './fake-loop.ts'

export interface Stage { readonly loop: FakeLoop, readonly urls: ConsoleUrls, readonly stop: () => Promise<void> }

/** What `createConsole` needs beside its loop: free ports, a silent log, an empty page. */
export function consoleOptions (t: Test, loop: FakeLoop, more: Partial<ConsoleOptions> = {}): ConsoleOptions {
  return {
    loop,
    log: pino({ level: 'silent' }),
    clock: { now: loop.now },
    version: '1.2.3',
    registry: new Registry(),
    pageFolder: more.pageFolder ?? t.testdir({ 'index.html': '<!doctype html><title>page</title>', assets: {} }),
    ports: { api: 0, dashboard: 0, metrics: 0 },
    ...more,
  }
}

/** A running console over a fake loop, stopped when the test ends. */
export async function stage (t: Test, more: Partial<ConsoleOptions> = {}, loop = new FakeLoop()): Promise<Stage> {
  const server = createConsole(consoleOptions(t, loop, more))
  const urls = await server.listen()
  const stopping = new AbortController()
  const running = server.run(stopping.signal)
  const stop = async () => {
    stopping.abort()
    await running
  }
  t.teardown(stop)
  return { loop, urls, stop }
}

export interface Answer { readonly status: number, readonly headers: Readonly<Record<string, unknown>>, readonly text: string, readonly json: () => unknown }

/** A plain HTTP call, free to send any Host, Origin or other header; fetch would not let a test play the attacker. */
export function ask (url: string, { method = 'GET', headers = {}, body }: { method?: string, headers?: OutgoingHttpHeaders, body?: string } = {}): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const call = request(url, { method, headers, agent: false }, (response) => {
    let text = ''
    response.setEncoding('utf8')
    response.on('data', (chunk: string) => { text += chunk })
    response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: () => JSON.parse(text) as unknown }))
    response.on('error', reject)
  })
  call.on('error', reject)
  call.end(body)
  return promise
}

export const post = (url: string, body: unknown, headers: OutgoingHttpHeaders = {}): Promise<Answer> =>
  ask(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) })
