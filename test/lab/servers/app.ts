// A small application, run inside a pod: `node app.ts '{"http": 8000, "h2": 50051, "responder": [9092], "udp": [5004]}'`.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { createServer as createHttp2Server } from 'node:http2'
import { createServer as createTcpServer } from 'node:net'
import { createSocket } from 'node:dgram'
import type { IncomingMessage, ServerResponse } from 'node:http'

/** `https` takes `app-key.pem` and `app-cert.pem` from the folder that it is started in. */
export interface AppPorts { http?: readonly number[], https?: readonly number[], h2?: readonly number[], responder?: readonly number[], udp?: readonly number[] }

/** A responder's request: two 32-bit lengths, of what follows and of what is wanted back. */
export const REQUEST_HEADER_BYTES = 8

const MOST_BYTES = 50_000_000

const PASSWORDS: Readonly<Record<string, string>> = { alice: 'wonder1', bob: 'letmein' }

interface Reply { status: number, text: string, headers?: Record<string, string> }

const ok = (text: string): Reply => ({ status: 200, text })

function logIn (body: string): Reply {
  const form = new URLSearchParams(body)
  return ok(isPassword(form.get('user') ?? '', form.get('pass') ?? '') ? 'Welcome' : 'Login incorrect')
}

function basic (authorization: string): Reply {
  const [user = '', password = ''] = Buffer.from(authorization.replace('Basic ', ''), 'base64').toString().split(':')
  return isPassword(user, password) ? ok('in') : { status: 401, text: 'no', headers: { 'www-authenticate': 'Basic realm="app"' } }
}

const isPassword = (user: string, password: string): boolean => PASSWORDS[user] === password

/** What each path answers; all others: a page of random length, or a word about what was taken in. */
const PAGES: Readonly<Record<string, (url: URL, request: IncomingMessage, body: string) => Reply>> = {
  healthz: () => ok('ok'),
  fail: () => ({ status: 503, text: 'no' }),
  metrics: (url) => ok(Array.from({ length: Number(url.searchParams.get('n') ?? 300) }, (_, i) => `metric_${i}{pod="a"} ${i * 7}`).join('\n')),
  login: (_url, request, body) => request.method === 'POST' ? logIn(body) : ok('<form method=post><input name=user><input name=pass></form>'),
  basic: (_url, request) => basic(request.headers.authorization ?? ''),
  bytes: (url) => ok('x'.repeat(Math.min(Number(url.pathname.split('/')[2] ?? 100), MOST_BYTES))),
}

async function answer (request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://app')
  const body = await read(request)
  const page = PAGES[url.pathname.split('/')[1] ?? ''] ?? (() => ok('y'.repeat(Math.floor(Math.random() * (request.method === 'POST' ? 300 : 9000)))))
  const { status, text, headers = {} } = page(url, request, body)
  response.writeHead(status, headers).end(text)
}

/** The body's beginning; the rest is read and forgotten. */
const read = (request: IncomingMessage) => new Promise<string>((resolve) => {
  let kept = ''
  request.setEncoding('latin1')
    .on('data', (text: string) => { if (kept.length < 65536) kept += text })
    .on('end', () => { resolve(kept) })
    .on('error', () => { resolve(kept) })
})

function serveHttp (port: number): void {
  createServer({ keepAliveTimeout: 65_000 }, (request, response) => { answer(request, response) }).listen(port, '0.0.0.0', 1024)
}

function serveHttps (port: number): void {
  const pair = { key: readFileSync('app-key.pem'), cert: readFileSync('app-cert.pem') }
  createTlsServer({ ...pair, keepAliveTimeout: 65_000 }, (request, response) => { answer(request, response) }).listen(port, '0.0.0.0', 1024)
}

/** Streams of messages over clear-text HTTP/2, as gRPC uses it: each DATA frame is answered by one of the length in its path. */
function serveHttp2 (port: number): void {
  createHttp2Server().on('stream', (stream, headers) => {
    const bytes = Number((headers[':path'] ?? '/100').slice(1)) || 100
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' })
    stream.on('data', () => { stream.write(Buffer.alloc(bytes)) })
    stream.on('end', () => { stream.end() })
    stream.on('error', () => undefined) // the client went away
  }).on('sessionError', () => undefined).listen(port, '0.0.0.0')
}

function serveResponder (port: number): void {
  createTcpServer((socket) => {
    let pending = Buffer.alloc(0)
    socket.on('error', () => undefined) // the client went away
    socket.on('data', (data) => {
      pending = Buffer.concat([pending, data])
      while (pending.length >= REQUEST_HEADER_BYTES) {
        const total = REQUEST_HEADER_BYTES + pending.readUInt32BE(0)
        if (pending.length < total) return
        socket.write(Buffer.alloc(Math.min(pending.readUInt32BE(4), MOST_BYTES)))
        pending = pending.subarray(total)
      }
    })
  }).listen(port, '0.0.0.0', 1024)
}

/** Each datagram's first two bytes say how long its answer is; 0: none. */
function serveUdp (port: number): void {
  const socket = createSocket('udp4')
  socket.on('message', (message, from) => {
    const bytes = message.length >= 2 ? message.readUInt16BE(0) : 0
    if (bytes > 0) socket.send(Buffer.alloc(bytes), from.port, from.address)
  })
  socket.bind(port)
}

function main (ports: AppPorts): void {
  ports.http?.forEach(serveHttp)
  ports.https?.forEach(serveHttps)
  ports.h2?.forEach(serveHttp2)
  ports.responder?.forEach(serveResponder)
  ports.udp?.forEach(serveUdp)
  console.log('app is ready')
}

if (process.argv[1] === import.meta.filename) main(JSON.parse(process.argv[2] ?? '{}') as AppPorts)
