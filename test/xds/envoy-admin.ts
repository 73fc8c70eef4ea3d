import { once } from 'node:events'
import { request } from 'node:http'

/** Body of a GET on the admin interface behind a Unix socket. */
export async function adminPage (socketPath: string, path: string): Promise<string> {
  const call = request({ socketPath, path })
  call.end()
  const [response] = await once(call, 'response') as [AsyncIterable<Buffer>]
  let text = ''
  for await (const chunk of response) text += chunk.toString()
  return text
}

/** A counter or gauge, 0 where it does not exist. */
export async function adminStat (socketPath: string, name: string): Promise<number> {
  const line = (await adminPage(socketPath, '/stats')).split('\n').find((text) => text.startsWith(`${name}: `))
  return line === undefined ? 0 : Number(line.slice(name.length + 2))
}
