// Our own server as a program that `main.ts` can play against, and an example of one.
import { createInterface } from 'node:readline'
import { fromBinary } from '@bufbuild/protobuf'
import { AnySchema } from '@bufbuild/protobuf/wkt'
import { Autoshield } from './autoshield.ts'
import { NODE_ID, type Held } from './control.ts'

type Told = Readonly<Record<string, { readonly version: string, readonly resources: readonly { readonly name: string, readonly body: string }[] }>>

const heldOf = ({ version, resources }: Told[string]): Held => ({ version, resources: resources.map(({ name, body }) => ({ name, body: fromBinary(AnySchema, Buffer.from(body, 'base64')) })) })

await using server = await Autoshield.start()
const { port } = server.laboratory
console.log(JSON.stringify({ port, credentials: server.laboratory.credentials(NODE_ID) }))
for await (const line of createInterface(process.stdin)) {
  const { set } = JSON.parse(line) as { readonly set: Told } // from our own runner
  server.set(new Map(Object.entries(set).map(([url, told]) => [url, heldOf(told)])))
  console.log('{}')
}
