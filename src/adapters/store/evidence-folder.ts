import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Compile } from 'typebox/compile'
import { EvidenceManifest, type Gathered } from '../../core/errand/evidence.ts'
import { AutoshieldError } from '../../core/errors.ts'

const MANIFEST = 'manifest.json'
/** Folders that are kept; beyond, the oldest goes. One takes a few megabytes at most. */
const MAX_FOLDERS = 256

const validator = Compile(EvidenceManifest)

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

/** Evidence below the data folder: one folder for each errand, with a manifest that holds the hash of each file. The hash of the manifest stands in the trail. */
export class EvidenceFolder {
  readonly #path: string

  constructor (dataFolder: string) {
    this.#path = join(dataFolder, 'evidence')
  }

  /**
   * Writes a folder as a whole or not at all, and gives its name and the hash of its manifest. What an earlier attempt left is
   * replaced. Rejects UNAVAILABLE where it cannot be written.
   */
  async keep (about: Omit<EvidenceManifest, 'files' | 'missing'>, { files, missing }: Gathered): Promise<{ name: string, sha256: string }> {
    const name = about.errand
    const manifest: EvidenceManifest = { ...about, files: files.map((file) => ({ name: file.name, bytes: Buffer.byteLength(file.text), sha256: sha256(file.text) })), missing }
    const text = `${JSON.stringify(manifest, null, 2)}\n`
    const [unfinished, finished] = [join(this.#path, `.${name}`), join(this.#path, name)]
    try {
      await rm(unfinished, { recursive: true, force: true })
      await mkdir(unfinished, { recursive: true, mode: 0o700 })
      for (const file of [...files, { name: MANIFEST, text }]) await writeFile(join(unfinished, file.name), file.text, { mode: 0o600, flush: true })
      await rm(finished, { recursive: true, force: true })
      await rename(unfinished, finished)
      await this.#prune()
    } catch (cause) {
      throw new AutoshieldError('UNAVAILABLE', `The evidence ${finished} cannot be written (${AutoshieldError.from(cause).message}): make room, or mend its rights.`, { cause })
    }
    return { name, sha256: sha256(text) }
  }

  /** Newest first. Folders without a manifest that can be understood are left out. */
  async list (): Promise<readonly EvidenceManifest[]> {
    const names = await readdir(this.#path).catch(() => [])
    const manifests = await Promise.all(names.filter((name) => !name.startsWith('.')).map(async (name) => this.#manifest(name).catch(() => null)))
    return manifests.flatMap((read) => read === null ? [] : [read.manifest]).sort((a, b) => a.keptAt < b.keptAt ? 1 : -1)
  }

  /** The manifest with its hash, and the names of files that are not as it says. Throws NOT_FOUND or BAD_DATA. */
  async look (name: string): Promise<{ manifest: EvidenceManifest, sha256: string, changed: readonly string[] }> {
    const { manifest, text } = await this.#manifest(name)
    const changed = await Promise.all(manifest.files.map(async (file) => {
      const found = await readFile(join(this.#path, name, file.name), 'utf8').catch(() => null)
      return found !== null && sha256(found) === file.sha256 ? [] : [file.name]
    }))
    return { manifest, sha256: sha256(text), changed: changed.flat() }
  }

  /** Throws NOT_FOUND for what is in no manifest. */
  async read (name: string, file: string): Promise<string> {
    const { manifest } = await this.#manifest(name)
    if (!manifest.files.some((kept) => kept.name === file)) throw new AutoshieldError('NOT_FOUND', `Evidence ${name} has no file ${JSON.stringify(file)}: \`autoshield evidence show ${name}\` lists them.`)
    return readFile(join(this.#path, name, file), 'utf8')
  }

  async #manifest (name: string): Promise<{ manifest: EvidenceManifest, text: string }> {
    if (!/^[A-Za-z0-9_-]+$/.test(name)) throw new AutoshieldError('NOT_FOUND', `${JSON.stringify(name)} is no name of evidence: list them with \`autoshield evidence list\`.`)
    const text = await readFile(join(this.#path, name, MANIFEST), 'utf8').catch((cause: unknown) => {
      throw new AutoshieldError('NOT_FOUND', `There is no evidence "${name}" below ${this.#path}: list what there is with \`autoshield evidence list\`.`, { cause })
    })
    const manifest: unknown = parsed(text)
    if (!validator.Check(manifest)) throw new AutoshieldError('BAD_DATA', `The manifest of evidence ${name} cannot be understood: somebody changed it.`)
    return { manifest, text }
  }

  async #prune (): Promise<void> {
    const names = (await readdir(this.#path)).filter((name) => !name.startsWith('.'))
    if (names.length <= MAX_FOLDERS) return
    const dated = await Promise.all(names.map(async (name) => ({ name, atMs: (await stat(join(this.#path, name))).mtimeMs })))
    for (const { name } of dated.sort((a, b) => b.atMs - a.atMs).slice(MAX_FOLDERS)) await rm(join(this.#path, name), { recursive: true, force: true })
  }
}

function parsed (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null // whoever asked says that it cannot be understood
  }
}
