// grpc-js's own xDS client against our server; told and answering as the Go program beside it.
import { createInterface } from 'node:readline'
import { Client, credentials } from '@grpc/grpc-js'
import { register } from '@grpc/grpc-js-xds'
import { ask } from '../grpc-backend.ts'

register()
const [target = ''] = process.argv.slice(2)
const client = new Client(target, credentials.createInsecure())
for await (const line of createInterface(process.stdin)) if (line !== '') process.stdout.write(`${JSON.stringify(await ask(client))}\n`)
process.exit(0) // who told it is gone
