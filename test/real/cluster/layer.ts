import { createHash, type Hash } from 'node:crypto'
import { createReadStream, existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { chmod, copyFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { keep } from './build.ts'
import { command } from './command.ts'

/** Raised when a recipe below changes what it makes from the same inputs. */
const RECIPE = '1'

/** One layer of an image: an uncompressed tar and what the OCI formats say of it. */
export interface Layer { readonly path: string, readonly digest: string, readonly size: number }

/** Makes a layer by filling a folder, unless one of the same key is in the cache. */
export async function layer (name: string, key: readonly string[], fill: (root: string) => Promise<void>): Promise<Layer> {
  const hash = createHash('sha256').update(JSON.stringify([RECIPE, ...key])).digest('hex').slice(0, 16)
  const folder = await keep(`layer-${name}-${hash}`, async (unfinished) => {
    const root = join(unfinished, 'root')
    mkdirSync(root)
    await fill(root)
    const tar = join(unfinished, 'layer.tar')
    await command('tar', ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner', '-C', root, '-cf', tar, '.'])
    rmSync(root, { recursive: true })
    const digest = createHash('sha256')
    await pipeline(createReadStream(tar), digest)
    writeFileSync(join(unfinished, 'digest'), `sha256:${digest.digest('hex')}`)
  })
  const path = join(folder, 'layer.tar')
  return { path, digest: readFileSync(join(folder, 'digest'), 'utf8'), size: statSync(path).size }
}

/** A key for files and folders below `top`: their contents, wherever `top` is. */
export function contents (top: string, paths: readonly string[]): string {
  const hash = createHash('sha256')
  for (const path of paths) addContents(hash, top, path)
  return hash.digest('hex')
}

function addContents (hash: Hash, top: string, path: string): void {
  const place = join(top, path)
  if (!statSync(place).isDirectory()) {
    const bytes = readFileSync(place)
    hash.update(`${path} ${bytes.length}\0`).update(bytes)
    return
  }
  for (const name of readdirSync(place).sort()) addContents(hash, top, join(path, name))
}

/** A key for the machine's own files: contents are too large to read each time, and a package's update changes size or time. */
export function stamps (paths: readonly string[]): string {
  return paths.map((path) => `${path} ${statSync(path).size} ${statSync(path).mtimeMs}`).join('\n')
}

/** Copies programs or libraries of this machine, with the shared libraries that they load, to where the loader of an image finds them. */
export async function copyWithLibraries (root: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [from, to] of Object.entries(files)) await copy(from, join(root, to))
  const loaded = await Promise.all(Object.keys(files).map((file) => command('ldd', [file]).catch(() => ''))) // a static one loads none
  for (const library of new Set(loaded.join('\n').match(/(?<=\s)\/\S+/g))) {
    const folder = realpathSync(dirname(library)) // Debian's /lib is a link to /usr/lib, and so is the image's
    await copy(library, join(root, folder, basename(library)))
  }
}

async function copy (from: string, to: string): Promise<void> {
  if (existsSync(to)) return
  mkdirSync(dirname(to), { recursive: true })
  await copyFile(from, to)
  await chmod(to, 0o755)
}
