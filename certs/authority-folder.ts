import { randomBytes, type X509Certificate } from 'node:crypto'
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { AutoshieldError } from '../src/core/errors.ts'
import type { Clock } from '../src/ports/clock.ts'
import { Authority, AUTHORITY_OVERLAP_MS, createAuthority, readMaterial, writeMaterial } from './authority.ts'

const FILE = 'ca.pem'

/**
 * The CA that lives in `folder` (made where it is missing, with mode 0700). A CA that nears its end gets a successor,
 * and stays in the bundle until it has ended. Throws BAD_DATA for a damaged file, UNTRUSTED for one that others may
 * read, UNAVAILABLE where the folder cannot be written.
 */
export async function openAuthority (folder: string, trustDomain: string, clock: Clock): Promise<Authority> {
  const file = join(folder, FILE)
  const found = await readPrivate(file)
  if (found === null) return renew(file, trustDomain, clock, [])
  const { key, certificates: [newest, ...older] } = readMaterial(found, file)
  const live = older.filter((certificate) => endMs(certificate) > clock.now())
  if (endMs(newest) - clock.now() > AUTHORITY_OVERLAP_MS) return new Authority({ key, certificates: [newest, ...live] })
  return renew(file, trustDomain, clock, endMs(newest) > clock.now() ? [newest, ...live] : live)
}

const endMs = (certificate: X509Certificate): number => Date.parse(certificate.validTo)

async function renew (file: string, trustDomain: string, clock: Clock, older: readonly X509Certificate[]): Promise<Authority> {
  const material = createAuthority(trustDomain, clock.now(), older)
  await replacePrivate(file, writeMaterial(material))
  return new Authority(material)
}

/** Null where there is no file. */
async function readPrivate (file: string): Promise<string | null> {
  try {
    const { mode } = await stat(file)
    if ((mode & 0o077) !== 0) {
      throw new AutoshieldError('UNTRUSTED', `${file} holds the CA's key and can be read by others; take that away with 'chmod 600 ${file}'.`)
    }
    return await readFile(file, 'utf8')
  } catch (error) {
    if (isCode(error, 'ENOENT')) return null
    throw unavailable(error, `${file} cannot be read`)
  }
}

/** All of the new text or all of the old one is there, whenever the machine stops. */
async function replacePrivate (file: string, text: string): Promise<void> {
  const folder = join(file, '..')
  const temporary = `${file}.${randomBytes(6).toString('hex')}`
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await using handle = await open(temporary, 'wx', 0o600)
    await handle.writeFile(text)
    await handle.sync()
    await rename(temporary, file)
    await using directory = await open(folder, 'r')
    await directory.sync()
  } catch (error) {
    await rm(temporary, { force: true })
    throw unavailable(error, `${file} cannot be written`)
  }
}

const isCode = (error: unknown, code: string): boolean => error instanceof Error && 'code' in error && error.code === code

function unavailable (error: unknown, what: string): AutoshieldError {
  if (error instanceof AutoshieldError) return error
  const { message } = AutoshieldError.from(error)
  return new AutoshieldError('UNAVAILABLE', `${what} (${message}); choose another data folder or mend this one.`, { cause: error })
}
