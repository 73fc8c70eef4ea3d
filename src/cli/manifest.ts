import { isMap, parse, parseDocument, LineCounter, Scalar, type Document, type ScalarTag } from 'yaml'
import { applyPatch } from 'rfc6902'
import type { Operation } from '../../webhook/inject/patch.ts'
import { AutoshieldError } from '../core/errors.ts'
import type { KubernetesObject } from '../core/kubernetes/object.ts'
import { editDocument } from './edit-yaml.ts'

type Json = Readonly<Record<string, unknown>>
type Path = readonly (string | number)[]

/** Where each kind keeps its pod. */
const TEMPLATES: Readonly<Record<string, Path>> = {
  Pod: [],
  PodTemplate: ['template'],
  Deployment: ['spec', 'template'],
  StatefulSet: ['spec', 'template'],
  DaemonSet: ['spec', 'template'],
  ReplicaSet: ['spec', 'template'],
  ReplicationController: ['spec', 'template'],
  Job: ['spec', 'template'],
  CronJob: ['spec', 'jobTemplate', 'spec', 'template'],
}

/** A pod, or the template of one, in a manifest. */
export interface Subject {
  readonly kind: string
  readonly name: string
  /** Null where the manifest does not say. */
  readonly namespace: string | null
  readonly pod: KubernetesObject
  /** From the top of its document. */
  readonly path: Path
}

export interface Edit { readonly subject: Subject, readonly operations: readonly Operation[] }

/** One document of a manifest. `print` gives the very text back where there is no edit. */
export interface ManifestDocument {
  readonly subjects: readonly Subject[]
  /** Namespaces that the document defines. */
  readonly namespaces: readonly KubernetesObject[]
  readonly print: (edits: readonly Edit[]) => string
}

/** Reads a manifest of one or many documents, YAML or JSON. Throws BAD_DATA with file and line. */
export function readManifest (text: string, from: string): readonly ManifestDocument[] {
  return text.trimStart().startsWith('{') ? [readJson(text, from)] : split(text).map(({ source, line }) => readYaml(source, from, line))
}

/** A line that begins with `---` always begins a document (YAML 1.2, 9.1.2), so each is read and printed by itself. */
function split (text: string): { source: string, line: number }[] {
  let line = 1
  return text.split(/^(?=---(?:\s|$))/m).map((source) => {
    const part = { source, line }
    line += source.split('\n').length - 1
    return part
  })
}

function readJson (source: string, from: string): ManifestDocument {
  let value: unknown
  try {
    value = JSON.parse(source)
  } catch (cause) {
    throw new AutoshieldError('BAD_DATA', `${from}: not valid JSON: ${String(cause)}. Correct it, or give one document.`, { cause })
  }
  const indent = /^\s*\{\r?\n?(\s*)"/.exec(source)?.[1]?.length ?? 0
  return documentOf(value, source, (edits) => {
    for (const { subject, operations } of edits) {
      const template = subject.path.reduce<unknown>((holder, key) => (holder as Record<string | number, unknown>)[key], value) as Record<string, unknown>
      if (operations.length > 0) template['metadata'] ??= {}
      applyPatch(template, [...operations])
    }
    return `${JSON.stringify(value, null, indent)}\n`
  })
}

function readYaml (source: string, from: string, line: number): ManifestDocument {
  const lines = new LineCounter()
  const document = parseDocument(source, { lineCounter: lines, prettyErrors: false, schema: 'failsafe', customTags: (tags) => [...tags, EMPTY] })
  const [error] = document.errors
  if (error !== undefined) throw new AutoshieldError('BAD_DATA', `${from}:${line + lines.linePos(error.pos[0]).line - 1}: not valid YAML: ${error.message}. Correct it, or render the template first.`)
  // As kubectl reads it: YAML 1.1, where `yes` is true and `<<` merges.
  const value: unknown = parse(source, { version: '1.1', merge: true, logLevel: 'silent' })
  return documentOf(value, source, (edits) => {
    editDocument(document, edits)
    return document.toString(styleOf(source, document))
  })
}

/** Every scalar is kept as the text that it is (`0644` is not printed as 644), and nothing as nothing. */
const EMPTY: ScalarTag = { tag: 'tag:yaml.org,2002:null', default: true, test: /^$/, resolve: () => new Scalar(null), identify: (value) => value === null, stringify: () => '' }

function styleOf (source: string, document: Document): { lineWidth: 0, indent: number, indentSeq: boolean, flowCollectionPadding: boolean } {
  const nested = /^( *)[^\s#-][^\n]*:\s*\n((?: *#[^\n]*\n|\s*\n)*)( +)[^\s#-]/m.exec(source)
  const indent = nested === null ? 2 : (nested[3]?.length ?? 0) - (nested[1]?.length ?? 0)
  const padded = !/[{[][^\s{}[\]]/.test(isMap(document.contents) ? source.replace(/#.*$/gm, '').replace(/(["']).*?\1/g, '') : '')
  return { lineWidth: 0, indent: indent > 0 ? indent : 2, indentSeq: !/^( *)[^\s#-][^\n]*:\s*\n(?: *#[^\n]*\n)*\1- /m.test(source), flowCollectionPadding: padded }
}

function documentOf (value: unknown, source: string, print: (edits: readonly Edit[]) => string): ManifestDocument {
  const objects = listed(value, [])
  return {
    subjects: objects.flatMap(({ object, path }) => subjectOf(object, path)),
    namespaces: objects.map(({ object }) => object).filter((object) => object['kind'] === 'Namespace' && isNamed(object)) as unknown[] as KubernetesObject[],
    print: (edits) => edits.every(({ operations }) => operations.length === 0) ? source : print(edits),
  }
}

/** The object, or those of a List (of Lists). */
function listed (value: unknown, path: Path): readonly { object: Json, path: Path }[] {
  if (!isJson(value)) return []
  const { kind, items } = value
  if (typeof kind === 'string' && kind.endsWith('List') && Array.isArray(items)) return items.flatMap((item, at) => listed(item, [...path, 'items', at]))
  return [{ object: value, path }]
}

function subjectOf (object: Json, path: Path): readonly Subject[] {
  const { kind, metadata } = object
  const within = typeof kind === 'string' && Object.hasOwn(TEMPLATES, kind) ? TEMPLATES[kind] : undefined
  if (within === undefined || typeof kind !== 'string') return []
  const template = within.reduce<unknown>((value, key) => isJson(value) ? value[key] : undefined, object)
  if (!isJson(template)) return []
  const own = isJson(metadata) ? metadata : {}
  const name = typeof own['name'] === 'string' ? own['name'] : typeof own['generateName'] === 'string' ? own['generateName'] : ''
  const ofTemplate = template['metadata'] ?? {}
  // A template without metadata gets an empty one, and one of a wrong type keeps it: the decision says so.
  const pod = { ...template, apiVersion: 'v1', kind: 'Pod', metadata: isJson(ofTemplate) ? { name, ...ofTemplate } : ofTemplate } as KubernetesObject
  return [{ kind, name, namespace: typeof own['namespace'] === 'string' ? own['namespace'] : null, pod, path: [...path, ...within] }]
}

const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)
const isNamed = ({ metadata }: Json): boolean => isJson(metadata) && typeof metadata['name'] === 'string'
