import { randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Static, TSchema } from 'typebox'
import { Check } from 'typebox/value'
import { AutoshieldError } from '../../core/errors.ts'
import { Comparison } from '../../core/model/comparison.ts'
import { ModelChoice, ModelStanding, NOTHING_CHOSEN } from '../../core/model/standing.ts'
import { MANIFEST_FILE, readManifest, type CheckedModel } from '../onnx/load-model.ts'
import { manifestHash } from '../onnx/signature.ts'

/** A folder's name, too: nothing that begins with a dot, and no way out. */
const VERSION = /^[A-Za-z0-9][A-Za-z0-9._-]*$/
const MAX_MODELS = 64
const FILES = { choice: 'choice.json', standing: 'standing.json', comparison: 'comparison.json' } as const

/**
 * Models in a folder, each in one of its own that never changes, and beside them what was asked (`choice.json`, by people) and what came of
 * it (`standing.json` and `comparison.json`, by the detector). Each file is replaced as a whole, so a reader sees one state or the other.
 */
export class ModelStore {
  readonly folder: string

  constructor (folder: string) {
    this.folder = folder
  }

  /** Where a version lies, or would. Throws BAD_DATA where its name is none of a folder. */
  folderOf (version: string): string {
    if (!VERSION.test(version)) throw new AutoshieldError('BAD_DATA', `the version ${JSON.stringify(version)} cannot name a folder; give the model one of letters, digits, dots, dashes and underscores`)
    return join(this.folder, version)
  }

  /** Versions that are installed, by name. */
  async versions (): Promise<readonly string[]> {
    const entries = await readdir(this.folder, { withFileTypes: true }).catch((error: unknown) => {
      if (isMissing(error)) return []
      throw unusable(this.folder, error)
    })
    return entries.filter((entry) => entry.isDirectory() && VERSION.test(entry.name)).map(({ name }) => name).sort()
  }

  async has (version: string): Promise<boolean> {
    return (await this.versions()).includes(version)
  }

  /**
   * Takes a model in: copies what was read, has the copy checked, and puts it in its place at once or not at all. Resolves to false where
   * the same model is there already. Rejects as `check` does, and CONFLICT where another has its version, or there is no room.
   */
  async install ({ manifest, graph, prototypes }: CheckedModel, check: (folder: string) => Promise<void>): Promise<boolean> {
    const place = this.folderOf(manifest.version)
    const versions = await this.versions()
    if (versions.includes(manifest.version)) {
      if (manifestHash((await readManifest(place)).manifest) === manifestHash(manifest)) return false
      throw new AutoshieldError('CONFLICT', `${place} holds another model of version ${manifest.version}; give this one a version of its own`)
    }
    if (versions.length >= MAX_MODELS) throw new AutoshieldError('CONFLICT', `${this.folder} holds ${versions.length} models; remove those that nobody needs`)
    const arriving = join(this.folder, `.arriving-${randomUUID()}`)
    try {
      await mkdir(arriving, { recursive: true, mode: 0o700 })
      await writeFile(join(arriving, manifest.file), graph)
      if (prototypes.state === 'read' && manifest.prototypes !== undefined) await writeFile(join(arriving, manifest.prototypes.file), prototypes.bytes)
      await writeFile(join(arriving, MANIFEST_FILE), `${JSON.stringify(manifest, null, 1)}\n`)
      await check(arriving)
      await rename(arriving, place)
      return true
    } catch (error) {
      throw error instanceof AutoshieldError ? error : unusable(this.folder, error)
    } finally {
      await rm(arriving, { recursive: true, force: true })
    }
  }

  /** Throws CONFLICT where the model is used or may be gone back to, NOT_FOUND where there is none. */
  async remove (version: string): Promise<void> {
    const { current, shadow, before } = await this.choice()
    if ([current, shadow, ...before].includes(version)) throw new AutoshieldError('CONFLICT', `${version} is in use, in shadow, or what a rollback goes to; promote another first`)
    if (!await this.has(version)) throw noModel(version, this.folder)
    await rm(this.folderOf(version), { recursive: true })
  }

  /** What was asked last; of the beginning where nobody asked anything. */
  async choice (): Promise<ModelChoice> {
    return await this.#read(FILES.choice, ModelChoice) ?? NOTHING_CHOSEN
  }

  async choose (choice: ModelChoice): Promise<void> {
    await this.#write(FILES.choice, choice)
  }

  /** What a detector made of it last; null where none has looked yet. */
  async standing (): Promise<ModelStanding | null> {
    return this.#read(FILES.standing, ModelStanding)
  }

  async tell (standing: ModelStanding): Promise<void> {
    await this.#write(FILES.standing, standing)
  }

  /** Null where no candidate has scored anything yet. */
  async comparison (): Promise<Comparison | null> {
    return this.#read(FILES.comparison, Comparison)
  }

  async keepComparison (comparison: Comparison): Promise<void> {
    await this.#write(FILES.comparison, comparison)
  }

  async #read<S extends TSchema> (name: string, schema: S): Promise<Static<S> | null> {
    const path = join(this.folder, name)
    try {
      const value: unknown = JSON.parse(await readFile(path, 'utf8'))
      if (Check(schema, value)) return value
    } catch (error) {
      if (isMissing(error)) return null
      throw unusable(path, error)
    }
    throw new AutoshieldError('BAD_DATA', `${path} is none of ours; move it away`)
  }

  async #write (name: string, value: unknown): Promise<void> {
    const path = join(this.folder, name)
    const arriving = `${path}.${randomUUID()}`
    try {
      await mkdir(this.folder, { recursive: true, mode: 0o700 })
      await writeFile(arriving, `${JSON.stringify(value)}\n`)
      await rename(arriving, path)
    } catch (error) {
      throw unusable(path, error)
    }
  }
}

export const noModel = (version: string, folder: string): AutoshieldError =>
  new AutoshieldError('NOT_FOUND', `there is no model ${version} in ${folder}; \`autoshield model list\` shows those that are there`)

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT'

const unusable = (path: string, cause: unknown): AutoshieldError =>
  new AutoshieldError('UNAVAILABLE', `${path} cannot be read or written (${cause instanceof Error ? cause.message : String(cause)}); give this user the right to, or name another folder with --models`, { cause })
