// Gathers the part of Envoy's API that xds/ uses into one folder that buf can compile: the roots below with everything
// that they import, from npm's @grpc/grpc-js-xds, with what that package is too old for.
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

const ROOTS = [
  'envoy/service/accesslog/v3/als.proto',
  'envoy/service/discovery/v3/ads.proto',
  'envoy/service/status/v3/csds.proto',
  'envoy/config/bootstrap/v3/bootstrap.proto',
  'envoy/config/cluster/v3/cluster.proto',
  'envoy/config/listener/v3/listener.proto',
  'envoy/config/route/v3/route.proto',
  'envoy/extensions/access_loggers/file/v3/file.proto',
  'envoy/extensions/access_loggers/grpc/v3/als.proto',
  'envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit.proto',
  'envoy/extensions/filters/http/rbac/v3/rbac.proto',
  'envoy/extensions/filters/http/router/v3/router.proto',
  'envoy/extensions/filters/listener/original_dst/v3/original_dst.proto',
  'envoy/extensions/filters/listener/original_src/v3/original_src.proto',
  'envoy/extensions/filters/network/connection_limit/v3/connection_limit.proto',
  'envoy/extensions/filters/network/direct_response/v3/config.proto',
  'envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.proto',
  'envoy/extensions/filters/network/local_ratelimit/v3/local_rate_limit.proto',
  'envoy/extensions/filters/network/rbac/v3/rbac.proto',
  'envoy/extensions/filters/network/set_filter_state/v3/set_filter_state.proto',
  'envoy/extensions/filters/network/tcp_bandwidth_limit/v3/tcp_bandwidth_limit.proto',
  'envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.proto',
  'envoy/extensions/http/header_formatters/preserve_case/v3/preserve_case.proto',
  'envoy/extensions/matching/common_inputs/network/v3/network_inputs.proto',
  'envoy/extensions/resource_monitors/downstream_connections/v3/downstream_connections.proto',
  'envoy/extensions/resource_monitors/fixed_heap/v3/fixed_heap.proto',
  'envoy/extensions/transport_sockets/tls/v3/tls.proto',
  'envoy/extensions/upstreams/http/v3/http_protocol_options.proto',
]

/** Fields that Envoy 1.40 has and the package has not, each written as the first of its message. */
const AMENDMENTS = [
  {
    // The envoy-api folder of the package uses this rule, its older protoc-gen-validate folder does not know it.
    file: 'validate/validate.proto',
    message: 'message StringRules {',
    field: '    optional bool ignore_empty = 26;',
  },
  {
    // Without it Envoy keeps 20 buckets, and an evicted source starts with a full one.
    file: 'envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit.proto',
    message: 'message LocalRateLimit {',
    field: '  google.protobuf.UInt32Value max_dynamic_descriptors = 18;',
  },
  {
    // A tag of an access log entry by a format of Envoy's, such as %FILTER_CHAIN_NAME%.
    file: 'envoy/type/tracing/v3/custom_tag.proto',
    message: '  oneof type {',
    field: '    string value = 6;',
  },
]

const IMPORT = /^import\s+(?:public\s+)?"([^"]+)"/gm

/** Throws where the package has caught up, so that no amendment outlives its reason. */
function amend (file: string, text: string): string {
  let amended = text
  for (const { message, field } of AMENDMENTS.filter((amendment) => amendment.file === file)) {
    const name = /(\w+) = \d+;/.exec(field)?.[1] ?? field
    const body = amended.slice(amended.indexOf(message), amended.indexOf('\n}\n', amended.indexOf(message)))
    if (!amended.includes(message)) throw new Error(`${file} has no '${message}': mend AMENDMENTS in scripts/envoy-protos.ts`)
    if (new RegExp(`\\b${name} = \\d+`).test(body)) throw new Error(`${file} has ${name} now: delete its line of AMENDMENTS in scripts/envoy-protos.ts`)
    amended = amended.replace(message, `${message}\n${field}\n`)
  }
  return amended
}

/** A folder with the closure of ROOTS; removed when disposed. `root` is the project's. */
export async function gatherEnvoyProtos (root: string): Promise<{ folder: string } & AsyncDisposable> {
  const npm = join(root, 'node_modules', '@grpc', 'grpc-js-xds', 'deps')
  const sources = [join(root, 'src', 'wire', 'envoy'), ...['envoy-api', 'xds', 'protoc-gen-validate', 'googleapis'].map((name) => join(npm, name))]
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'autoshield-protos-')))
  const wanted = [...ROOTS]
  const seen = new Set<string>()
  for (let file = wanted.pop(); file !== undefined; file = wanted.pop()) {
    if (seen.has(file) || file.startsWith('google/protobuf/')) continue // protobuf's own files come with buf
    seen.add(file)
    const path = sources.map((source) => join(source, file)).find((candidate) => existsSync(candidate))
    if (path === undefined) throw new Error(`${file} is in none of ${sources.join(', ')}`)
    await mkdir(dirname(join(folder, file)), { recursive: true })
    const text = amend(file, await readFile(path, 'utf8'))
    await writeFile(join(folder, file), text)
    wanted.push(...[...text.matchAll(IMPORT)].map((match) => match[1] ?? ''))
  }
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) }
}
