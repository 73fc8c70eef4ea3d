import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AutoshieldError } from '../src/core/errors.ts'
import type { Credentials } from '../src/core/identity.ts'

const FILES = { certificate: 'cert.pem', key: 'key.pem', authorities: 'ca.pem' } as const

/** Files of one identity, as Envoy and our own processes read them. The folder is its owner's alone. */
export const credentialFiles = (folder: string): Readonly<Record<keyof Credentials, string>> =>
  ({ certificate: join(folder, FILES.certificate), key: join(folder, FILES.key), authorities: join(folder, FILES.authorities) })

/** Throws UNAVAILABLE where the folder cannot be written. */
export async function writeCredentials (folder: string, credentials: Credentials): Promise<void> {
  const files = credentialFiles(folder)
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    for (const part of ['certificate', 'key', 'authorities'] as const) await writeFile(files[part], credentials[part], { mode: 0o600 })
  } catch (cause) {
    throw new AutoshieldError('UNAVAILABLE', `the identity cannot be written to ${folder} (${AutoshieldError.from(cause).message}); choose another folder or mend this one.`, { cause })
  }
}

/** Throws NOT_FOUND where a file is missing or cannot be read. */
export async function readCredentials (folder: string): Promise<Credentials> {
  const files = credentialFiles(folder)
  try {
    const [certificate, key, authorities] = await Promise.all([files.certificate, files.key, files.authorities].map((file) => readFile(file, 'utf8')))
    return { certificate: certificate ?? '', key: key ?? '', authorities: authorities ?? '' }
  } catch (cause) {
    throw new AutoshieldError('NOT_FOUND', `${folder} holds no identity (${AutoshieldError.from(cause).message}); make one with 'autoshield identity issue', or start 'autoshield up', which makes its own.`, { cause })
  }
}
