// A small application, run inside a pod: `node app.ts '{"http": 8000, "h2": 50051, "responder": [9092], "udp": [5004]}'`.
import { createServer } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import { createServer as createTcpServer } from 'node:net'
import { createSocket } from 'node:dgram'
import type { IncomingMessage, ServerResponse } from 'node:http'

export interface AppPorts { http?: readonly number[], h2?: readonly number[], responder?: readonly number[], udp?: readonly number[] }

/** A responder's request: two 32-bit lengths, of what follows and of what is wanted back. */
export const REQUEST_HEADER_BYTES = 8

const PASSWORDS: Readonly<Record<string, string>> = { alice: 'wonder1', bob: 'letmein' }

const read = (request: IncomingMessage) => new Promise<string>((resolve) => {
  let kept = ''
  request.setEncoding('latin1')
    .on('data', (text: string) => { if (kept.length < 65536) kept += text })
    .on('end', () => { resolve(kept) })
    .on('error', () => { resolve(kept) })
})

async function answer (request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://app')
  const body = await read(request)
  const send = (status: number, text: string, headers: Record<string, string> = {}) => { response.writeHead(status, headers).end(text) }
  switch (url.pathname.split('/')[1] ?? '') {
    case 'healthz': { send(200, 'ok'); return }
    case 'fail': { send(503, 'no'); return }
    case 'metrics': { send(200, Array.from({ length: Number(url.searchParams.get('n') ?? 300) }, (_, i) => `metric_${i}{pod="a"} ${i * 7}`).join('\n')); return }
    case 'login': {
      const form = new URLSearchParams(body)
      if (request.method !== 'POST') { send(200, '<form method=post><input name=user><input name=pass></form>'); return }
      const good = PASSWORDS[form.get('user') ?? ''] === form.get('pass')
      send(200, good ? 'Welcome' : 'Login incorrect'); return
    }
    case 'basic': {
      const [user = '', password] = Buffer.from((request.headers.authorization ?? '').replace('Basic ', ''), 'base64').toString().split(':')
      PASSWORDS[user] !== undefined && PASSWORDS[user] === password ? send(200, 'in') : send(401, 'no', { 'www-authenticate': 'Basic realm="app"' }); return
    }
    case 'bytes': { send(200, 'x'.repeat(Math.min(Number(url.pathname.split('/')[2] ?? 100), 50_000_000))); return }
    default: { send(200, `<a href="/page/${Math.random()}">next</a>${'y'.repeat(Math.floor(Math.random() * 9000))}`) }
  }
}

function serveHttp (port: number): void {
  createServer({ keepAliveTimeout: 65_000 }, (request, response) => { answer(request, response) }).listen(port, '0.0.0.0', 1024)
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
        socket.write(Buffer.alloc(Math.min(pending.readUInt32BE(4), 50_000_000)))
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
  ports.h2?.forEach(serveHttp2)
  ports.responder?.forEach(serveResponder)
  ports.udp?.forEach(serveUdp)
  console.log('app is ready')
}

if (process.argv[1] === import.meta.filename) main(JSON.parse(process.argv[2] ?? '{}') as AppPorts)
