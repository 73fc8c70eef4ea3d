import { copyFileSync, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { envoyBinary } from '../../setup/envoy-binary.ts'
import type { Pod } from '../pod.ts'

const PORT = 15_006
const USER = 65_533

const BOOTSTRAP = {
  static_resources: {
    listeners: [{
      name: 'inbound',
      address: { socket_address: { address: '0.0.0.0', port_value: PORT } },
      listener_filters: [{ name: 'original_dst', typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.listener.original_dst.v3.OriginalDst' } }],
      filter_chains: [{ filters: [{ name: 'tcp', typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', stat_prefix: 'inbound', cluster: 'application' } }] }],
    }],
    clusters: [{ name: 'application', type: 'ORIGINAL_DST', lb_policy: 'CLUSTER_PROVIDED', connect_timeout: '2s' }],
  },
}

/** Sends all TCP that comes to the pod through an Envoy inside it: from outside every port then takes a connection. */
export async function redirectInbound (pod: Pod, labFolder: string): Promise<void> {
  const envoy = join(labFolder, 'envoy') // another user cannot look into root's cache
  if (!existsSync(envoy)) copyFileSync(envoyBinary(), envoy)
  const config = join(pod.folder, 'envoy.json')
  writeFileSync(config, JSON.stringify(BOOTSTRAP))
  pod.spawn(`exec setpriv --reuid ${USER} --regid ${USER} --clear-groups ${envoy} -c ${config} --concurrency 1 --disable-hot-restart -l error`)
  await pod.listening(PORT)
  await pod.must(`nft -f - <<'END'
table inet lab_redirect {
  chain prerouting {
    type nat hook prerouting priority dstnat
    iifname "eth0" meta l4proto tcp redirect to :${PORT}
  }
}
END`)
}
