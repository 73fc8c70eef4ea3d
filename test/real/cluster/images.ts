import { createHash } from 'node:crypto'
import { cpSync, existsSync, linkSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compile, COMPILED_FROM, COMPILED_PROGRAM } from '../../../scripts/compile.ts'
import { envoyBinary } from '../../setup/envoy-binary.ts'
import { program } from '../../setup/tools.ts'
import type { Say } from './go-build.ts'
import { command } from './command.ts'
import { contents, copyWithLibraries, layer, type Layer, stamps } from './layer.ts'

const PROJECT = fileURLToPath(new URL('../../..', import.meta.url))
/** Who the image's processes are unless a pod says otherwise: a number, so that `runAsNonRoot` can be checked. */
const USER = 65532
/** What stdbuf preloads, where it looks for it. */
const STDBUF_LIBRARY = '/usr/libexec/coreutils/libstdbuf.so'
const AUTHORITIES = '/etc/ssl/certs/ca-certificates.crt'
/** Where an OCI image layout keeps what its manifests name. */
export const BLOBS = 'blobs/sha256'
const NMAP_DATA = '/usr/share/nmap'

/** References of the images that every node has. No registry: pods name them with `imagePullPolicy: IfNotPresent` or `Never`. */
export interface Images {
  /** What kubelet starts a pod's sandbox from. */
  readonly pause: string
  /** A shell and its tools: `sh`, `wget`, `nc`, `httpd`, … Runs as root. */
  readonly busybox: string
  /** This very checkout: `autoshield` is the entry point, `tcpdump`, `ss`, `nft`, Envoy and busybox are inside. Runs as user 65532. */
  readonly autoshield: string
  /** For attackers and servers: busybox with `nmap`, `nping`, `hydra`, `curl`, `tcpdump`, `ss`, `openssl` and `nginx`. Runs as root. */
  readonly tools: string
}

interface Image { readonly layers: readonly Layer[], readonly entry?: readonly string[], readonly user?: number }

/** Writes an OCI image layout with all the images into an empty folder; its layers are shared with the cache. */
export async function makeImages (folder: string, programs: string, say: Say): Promise<Images> {
  const started = Date.now()
  const base = await baseLayer()
  const images: Record<keyof Images, Image> = {
    pause: { layers: [await layer('pause', [contents(programs, ['pause'])], (root) => copyWithLibraries(root, { [join(programs, 'pause')]: 'pause' }))], entry: ['/pause'] },
    busybox: { layers: [base] },
    autoshield: { layers: [base, await runtimeLayer(), await envoyLayer(), await projectLayer()], entry: ['/usr/bin/node', join('/app', COMPILED_PROGRAM)], user: USER },
    tools: { layers: [base, await toolsLayer()] },
  }
  const layout = new Layout(folder)
  const references = Object.entries(images).map(([name, image]) => [name, layout.add(name, image)])
  layout.finish()
  say(`images ready after ${((Date.now() - started) / 1000).toFixed(1)} s`)
  return Object.fromEntries(references) as Record<keyof Images, string> // the keys are those of `images`
}

function baseLayer (): Promise<Layer> {
  const busybox = program('busybox')
  return layer('base', [stamps([busybox])], async (root) => {
    for (const folder of ['usr/bin', 'usr/lib', 'usr/lib64', 'etc', 'proc', 'sys', 'dev', 'run', 'root', 'var/log']) mkdirSync(join(root, folder), { recursive: true })
    for (const folder of ['tmp', 'var/tmp']) await command('mkdir', ['-p', '-m', '1777', join(root, folder)])
    for (const folder of ['bin', 'lib', 'lib64']) symlinkSync(`usr/${folder}`, join(root, folder))
    for (const folder of ['sbin', 'usr/sbin']) symlinkSync(folder === 'sbin' ? 'usr/bin' : 'bin', join(root, folder))
    await copyWithLibraries(root, { [busybox]: 'usr/bin/busybox' })
    for (const applet of (await command(busybox, ['--list'])).trim().split('\n').filter((name) => name !== 'busybox')) symlinkSync('busybox', join(root, 'usr/bin', applet))
    writeFileSync(join(root, 'etc/passwd'), `root:x:0:0:root:/root:/bin/sh\nautoshield:x:${USER}:${USER}::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n`)
    writeFileSync(join(root, 'etc/group'), `root:x:0:\nautoshield:x:${USER}:\nnogroup:x:65534:\n`)
    if (existsSync(AUTHORITIES)) cpSync(AUTHORITIES, join(root, AUTHORITIES))
  })
}

/** Node, the packages of production and the programs that an observer or a proxy starts: all that changes only with package-lock.json. */
function runtimeLayer (): Promise<Layer> {
  const node = join(PROJECT, 'node_modules/node/bin/node')
  const programs = ['tcpdump', 'ss', 'ip', 'stdbuf', 'nft', 'setpriv'].map(program)
  return layer('runtime', [contents(PROJECT, ['package-lock.json', 'node_modules/.package-lock.json']), stamps([node, ...programs])], async (root) => {
    const onnx = 'node_modules/onnxruntime-node/bin/napi-v6'
    const unwanted = new RegExp(String.raw`^${join(PROJECT, onnx)}/(?!linux(/x64|$))|\.(d\.[cm]?ts|map|md|markdown)$|/node_modules/node$`)
    for (const folder of productionPackages()) {
      cpSync(join(PROJECT, folder), join(root, 'app', folder), { recursive: true, filter: (from) => !unwanted.test(from) && (from === join(PROJECT, folder) || basename(from) !== 'node_modules') })
    }
    const native = join(PROJECT, onnx, 'linux/x64/onnxruntime_binding.node')
    await copyWithLibraries(root, { [node]: 'usr/bin/node', ...Object.fromEntries(programs.map((path) => [path, join('usr/bin', basename(path))])), [native]: join('app', onnx, 'linux/x64/onnxruntime_binding.node') })
    cpSync(STDBUF_LIBRARY, join(root, STDBUF_LIBRARY))
  })
}

function envoyLayer (): Promise<Layer> {
  const envoy = envoyBinary()
  return layer('envoy', [stamps([envoy])], (root) => copyWithLibraries(root, { [envoy]: 'usr/bin/envoy' }))
}

/** Folders of the packages that production needs, nested ones too. The lock says which; other platforms' packages are not installed. */
function productionPackages (): string[] {
  const lock = JSON.parse(readFileSync(join(PROJECT, 'package-lock.json'), 'utf8')) as { packages: Record<string, { dev?: boolean, devOptional?: boolean }> }
  return Object.entries(lock.packages)
    .filter(([folder, { dev, devOptional }]) => folder !== '' && folder !== 'node_modules/node' && dev !== true && devOptional !== true && existsSync(join(PROJECT, folder)))
    .map(([folder]) => folder)
}

/** The same tree that the Dockerfile makes. */
function projectLayer (): Promise<Layer> {
  return layer('project', [contents(PROJECT, COMPILED_FROM)], async (root) => {
    await compile(join(root, 'app'))
    mkdirSync(join(root, 'usr/bin'), { recursive: true })
    symlinkSync(join('/app', COMPILED_PROGRAM), join(root, 'usr/bin/autoshield'))
  })
}

function toolsLayer (): Promise<Layer> {
  const programs = ['nmap', 'nping', 'hydra', 'curl', 'tcpdump', 'ss', 'openssl', 'nginx'].map(program)
  return layer('tools', [stamps(programs)], async (root) => {
    await copyWithLibraries(root, Object.fromEntries(programs.map((path) => [path, join('usr/bin', basename(path))])))
    cpSync(NMAP_DATA, join(root, NMAP_DATA), { recursive: true })
    for (const folder of ['etc/nginx', 'var/log/nginx', 'var/lib/nginx']) mkdirSync(join(root, folder), { recursive: true })
    cpSync('/etc/nginx/mime.types', join(root, 'etc/nginx/mime.types'))
  })
}

/** An OCI image layout (image-spec v1, "image-layout.md") in a folder. */
class Layout {
  readonly #folder: string
  readonly #manifests: object[] = []

  constructor (folder: string) {
    this.#folder = folder
    mkdirSync(join(folder, BLOBS), { recursive: true })
  }

  /** Returns the image's reference, which names its content. */
  add (name: string, { layers, entry, user }: Image): string {
    const descriptors = layers.map(({ path, digest, size }) => {
      const blob = join(this.#folder, BLOBS, digest.slice('sha256:'.length))
      if (!existsSync(blob)) this.#share(path, blob)
      return { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest, size }
    })
    const config = this.#blob('application/vnd.oci.image.config.v1+json', {
      architecture: 'amd64',
      os: 'linux',
      config: { Env: ['PATH=/usr/bin'], ...(entry === undefined ? { Cmd: ['/bin/sh'] } : { Entrypoint: entry }), ...(user === undefined ? {} : { User: `${user}:${user}` }) },
      rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
    })
    const manifest = this.#blob('application/vnd.oci.image.manifest.v1+json', { schemaVersion: 2, mediaType: 'application/vnd.oci.image.manifest.v1+json', config, layers: descriptors })
    const reference = `autoshield.test/${name}:${manifest.digest.slice('sha256:'.length).slice(0, 16)}`
    this.#manifests.push({ ...manifest, annotations: { 'io.containerd.image.name': reference } })
    return reference
  }

  finish (): void {
    writeFileSync(join(this.#folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
    writeFileSync(join(this.#folder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: this.#manifests }))
  }

  #blob (mediaType: string, content: object): { mediaType: string, digest: string, size: number } {
    const bytes = Buffer.from(JSON.stringify(content))
    const digest = createHash('sha256').update(bytes).digest('hex')
    writeFileSync(join(this.#folder, BLOBS, digest), bytes)
    return { mediaType, digest: `sha256:${digest}`, size: bytes.length }
  }

  #share (from: string, to: string): void {
    try {
      linkSync(from, to)
    } catch {
      symlinkSync(from, to) // the cache is on another file system; the archive is made with links followed
    }
  }
}
