import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { Authority, createAuthority } from '../../certs/authority.ts'
import { createBootstrap, envoyArguments } from '../../xds/bootstrap.ts'
import { skipWithout } from '../setup/tools.ts'
import { envoyTool } from './real-envoy.ts'

const OPTIONS = {
  podUid: 'uid-1',
  namespace: 'shop',
  xds: { host: '10.0.0.5', port: 18_000, name: 'xds.autoshield.svc' },
  certificateFile: '/certs/cert.pem',
  keyFile: '/certs/key.pem',
  authoritiesFile: '/certs/ca.pem',
  adminSocket: '/run/admin.sock',
}

t.test('the bootstrap says how to reach us and nothing else', async (t) => {
  t.match(JSON.parse(createBootstrap(OPTIONS)), {
    node: { id: 'pod/uid-1', cluster: 'shop' },
    admin: { address: { pipe: { path: '/run/admin.sock', mode: 0o600 } } },
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
            sni: 'xds.autoshield.svc',
            common_tls_context: {
              alpn_protocols: ['h2'],
              tls_certificates: [{ certificate_chain: { filename: '/certs/cert.pem' }, private_key: { filename: '/certs/key.pem' } }],
              validation_context: { trusted_ca: { filename: '/certs/ca.pem' }, match_typed_subject_alt_names: [{ san_type: 'DNS', matcher: { exact: 'xds.autoshield.svc' } }] },
            },
          },
        },
      }],
    },
  })
  t.match(createBootstrap({ ...OPTIONS, protocol: 'sotw' }), '"api_type": "GRPC"')
  t.match(JSON.parse(createBootstrap({ ...OPTIONS, xds: { host: 'xds.svc', port: 1, name: '10.0.0.5' } })), { static_resources: { clusters: [{ type: 'STRICT_DNS', transport_socket: { typed_config: { common_tls_context: { validation_context: { match_typed_subject_alt_names: [{ san_type: 'IP_ADDRESS' }] } } } } }] } })
  t.match(envoyArguments('/etc/envoy.json'), ['--config-path', '/etc/envoy.json', '--drain-time-s', '0'])
})

t.test('Envoy itself accepts it', { skip: skipWithout(envoyTool.missing === undefined ? [] : [envoyTool.missing]) }, async (t) => {
  const folder = t.testdir()
  const [certificateFile, keyFile, authoritiesFile] = ['cert.pem', 'key.pem', 'ca.pem'].map((name) => join(folder, name)) as [string, string, string]
  const { certificate, key, authorities } = new Authority(createAuthority('xds.test', Date.now())).issueWithKey({ identity: { trustDomain: 'xds.test', namespace: 'shop', uid: 'uid-1' } }, Date.now())
  await Promise.all([writeFile(certificateFile, certificate), writeFile(keyFile, key), writeFile(authoritiesFile, authorities)])
  const bootstrap = join(folder, 'bootstrap.json')
  await writeFile(bootstrap, createBootstrap({ ...OPTIONS, certificateFile, keyFile, authoritiesFile, adminSocket: join(folder, 'admin.sock') }))
  const { stdout, stderr } = await promisify(execFile)(envoyTool.path ?? '', [...envoyArguments(bootstrap), '--mode', 'validate'])
  t.match(stdout + stderr, /OK/)
})
