import { execFile } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { Authority, createAuthority } from '../../certs/authority.ts'
import { credentialFiles, writeCredentials } from '../../certs/credential-folder.ts'
import { bootstrapFile, bootstrapFiles, type BootstrapOptions, envoyArguments } from '../../xds/bootstrap.ts'
import { skipWithout } from '../setup/tools.ts'
import { Laboratory } from './laboratory.ts'
import { envoyTool, onLoopback, RealEnvoy, until } from './real-envoy.ts'

const skip = skipWithout(envoyTool.missing === undefined ? [] : [envoyTool.missing])
t.setTimeout(60_000)

const OPTIONS: BootstrapOptions = {
  podUid: 'uid-1',
  namespace: 'shop',
  xds: { host: '10.0.0.5', port: 18_000, name: 'xds.autoshield.svc' },
  folder: '/run/envoy',
  certificateFile: '/certs/cert.pem',
  keyFile: '/certs/key.pem',
  authoritiesFile: '/certs/ca.pem',
  adminSocket: '/run/admin.sock',
}

const written = (options: BootstrapOptions): unknown[] => bootstrapFiles(options).map(({ text }): unknown => JSON.parse(text))
const names = (xds: BootstrapOptions['xds']) => {
  const [bootstrap, , authorities] = written({ ...OPTIONS, xds })
  return { static_resources: Reflect.get(bootstrap as object, 'static_resources') as unknown, authorities }
}

t.test('the bootstrap says how to reach us and nothing else', async (t) => {
  const [bootstrap, identity, authorities] = written(OPTIONS)
  const secret = (name: string) => ({ name, sds_config: { path_config_source: { path: `/run/envoy/${name}-secret.json` }, resource_api_version: 'V3' } })
  t.match(bootstrap, {
    node: { id: 'pod/uid-1', cluster: 'shop' },
    admin: { address: { pipe: { path: '/run/admin.sock', mode: 0o660 } } },
    dynamic_resources: {
      ads_config: {
        api_type: 'DELTA_GRPC',
        transport_api_version: 'V3',
        set_node_on_first_message_only: true,
        grpc_services: [{ envoy_grpc: { cluster_name: 'autoshield-xds', retry_policy: { retry_back_off: { base_interval: '0.200s', max_interval: '1s' } } } }],
      },
      cds_config: { ads: {}, resource_api_version: 'V3' },
      lds_config: { ads: {}, resource_api_version: 'V3' },
    },
    static_resources: {
      clusters: [{
        name: 'autoshield-xds',
        type: 'STATIC',
        transport_socket: {
          typed_config: {
            common_tls_context: { alpn_protocols: ['h2'], tls_certificate_sds_secret_configs: [secret('identity')], validation_context_sds_secret_config: secret('authorities') },
          },
        },
      }],
    },
  })
  t.match(identity, { resources: [{ name: 'identity', tls_certificate: { certificate_chain: { filename: '/certs/cert.pem' }, private_key: { filename: '/certs/key.pem' }, watched_directory: { path: '/certs' } } }] })
  t.match(authorities, { resources: [{ validation_context: { trusted_ca: { filename: '/certs/ca.pem' }, match_typed_subject_alt_names: [{ san_type: 'DNS', matcher: { exact: 'xds.autoshield.svc' } }] } }] })
  t.match(written({ ...OPTIONS, protocol: 'sotw' })[0], { dynamic_resources: { ads_config: { api_type: 'GRPC' } } })
  t.match(envoyArguments('/etc/envoy.json'), ['--config-path', '/etc/envoy.json', '--drain-time-s', '0'])
})

t.test('the server is told by its SPIFFE ID, its name or its address', async (t) => {
  const matcher = (type: string, exact: string) => ({ authorities: { resources: [{ validation_context: { match_typed_subject_alt_names: [{ san_type: type, matcher: { exact } }] } }] } })
  const sni = (host: string) => ({ static_resources: { clusters: [{ type: 'STRICT_DNS', transport_socket: { typed_config: { sni: host } } }] } })
  t.match(names({ host: 'xds.svc', port: 1, name: '10.0.0.5' }), { ...matcher('IP_ADDRESS', '10.0.0.5'), ...sni('xds.svc') })
  t.match(names({ host: 'xds.svc', port: 1, name: 'spiffe://c/ns/autoshield/pod/xds' }), { ...matcher('URI', 'spiffe://c/ns/autoshield/pod/xds'), ...sni('xds.svc') })
})

t.test('a proxy with bounds gives memory back, and takes no more connections than it may', async (t) => {
  t.match(written({ ...OPTIONS, bounds: { heapBytes: 200_000_000, connections: 5000 } })[0], {
    overload_manager: {
      resource_monitors: [{ typed_config: { max_heap_size_bytes: '200000000' } }, { typed_config: { max_active_downstream_connections: '5000' } }],
      actions: [{ name: 'envoy.overload_actions.shrink_heap' }, { name: 'envoy.overload_actions.stop_accepting_connections' }],
    },
  })
})

t.test('Envoy itself accepts it', { skip }, async (t) => {
  const folder = t.testdir()
  const { certificate: certificateFile, key: keyFile, authorities: authoritiesFile } = credentialFiles(folder)
  await writeCredentials(folder, new Authority(createAuthority('xds.test', Date.now())).issueWithKey({ identity: { trustDomain: 'xds.test', namespace: 'shop', uid: 'uid-1' } }, Date.now()))
  const files = bootstrapFiles({ ...OPTIONS, folder, certificateFile, keyFile, authoritiesFile, adminSocket: join(folder, 'admin.sock'), bounds: { heapBytes: 200_000_000, connections: 5000 } })
  for (const { path, text } of files) await writeFile(path, text)
  const { stdout, stderr } = await promisify(execFile)(envoyTool.path ?? '', [...envoyArguments(bootstrapFile(folder)), '--mode', 'validate'])
  t.match(stdout + stderr, /OK/)
})

t.test('a renewed certificate is taken from its files, and the stream lives on', { skip }, async (t) => {
  await using laboratory = await Laboratory.start()
  const first = laboratory.credentials('victim')
  await using envoy = await RealEnvoy.start({ podUid: 'victim', xds: onLoopback(laboratory.port), credentials: first })
  const connected = () => laboratory.fleet.statuses().find(({ podUid, connected }) => podUid === 'victim' && connected)
  await until(`the proxy connects\n${envoy.stderr}`, connected)
  const serial = ({ certificate }: { certificate: string }) => new X509Certificate(certificate).serialNumber.toLowerCase()
  const used = async () => (await envoy.admin('/certs')).toLowerCase()
  t.match(await used(), serial(first))

  const renewed = laboratory.credentials('victim')
  await envoy.renew(renewed)
  await until('Envoy reads the new certificate', async () => (await used()).includes(serial(renewed)) ? true : undefined)
  t.ok(connected(), 'the proxy is connected all the same')
  t.equal(await envoy.stat('cluster.autoshield-xds.upstream_cx_total'), 1, 'by the connection that it had')

  await laboratory.stop()
  await laboratory.serve(laboratory.fleet)
  await until('it connects anew with the new certificate', async () => await envoy.stat('cluster.autoshield-xds.upstream_cx_total') > 1 && connected() ? true : undefined)
})
