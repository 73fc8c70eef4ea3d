import { type Finding, orOk, problem, warning } from './finding.ts'

export interface ImageFacts {
  readonly image: string
  readonly pullPolicy: string
  /** Image names that each node reports; a kubelet reports 50 at most by default, so that a full list proves nothing. */
  readonly nodes: readonly { readonly name: string, readonly images: readonly string[], readonly full: boolean }[]
  /** Containers that wait for this image now. */
  readonly waiting: readonly { readonly pod: string, readonly reason: string, readonly message: string }[]
}

const CHECK = 'ObserverImage'

export function checkImage ({ image, pullPolicy, nodes, waiting }: ImageFacts): readonly Finding[] {
  const findings = [...names(image), ...waiting.slice(0, 5).map(({ pod, reason, message }) =>
    problem(CHECK, `Pod ${pod} waits for the image ${image} (${reason}: ${message}); as long as it waits, the pod does not start.`, 'Push the image where the nodes find it, correct imagePullSecrets, and look at kubectl describe pod.'))]
  const without = nodes.filter(({ images, full }) => !full && !images.some((name) => isSame(name, image)))
  if (pullPolicy === 'Never' && without.length > 0) {
    findings.push(problem(CHECK, `imagePullPolicy is Never, and ${without.length} of ${nodes.length} nodes have no ${image} (${without.slice(0, 3).map(({ name }) => name).join(', ')}): injected pods do not start there.`, 'Import the image on every node, or set imagePullPolicy: IfNotPresent.'))
  }
  const present = nodes.length - without.length
  return orOk(findings, CHECK, `${image} is named by ${image.includes('@') ? 'its digest' : 'a fixed tag (a digest is best)'}, no pod waits for it, and ${present} of ${nodes.length} nodes have it or may have it.`)
}

/** A name without a tag means `latest`; both mean another image tomorrow, and `latest` is pulled at each start. */
function names (image: string): Finding[] {
  if (image.includes('@')) return []
  const tag = /:([^/:]+)$/.exec(image)?.[1]
  if (tag !== undefined && tag !== 'latest') return []
  return [warning(CHECK, `The observer's image ${image} is named by ${tag === undefined ? 'no tag' : 'the tag latest'}: pods that start tomorrow may get another one, and none starts while the registry is away.`, 'Name a digest or a version in the settings (image: autoshield@sha256:…).')]
}

/** Container runtimes report full names: docker.io/library/autoshield:1 for autoshield:1. */
const isSame = (reported: string, image: string): boolean => reported === image || reported === `docker.io/${image}` || reported === `docker.io/library/${image}`
