import { client, forever } from './kind.ts'
import type { Kinds } from './kind.ts'

/** Files that are moved on purpose. */
export const COPIES: Kinds = {
  backup: {
    service: 'ssh',
    looksLike: 'DATA_EXFILTRATION',
    draw: (world) => {
      const { random } = world
      const target = random.pick([world.pod('files'), world.pod('outside')])
      const pod = client(world, target)
      const size = random.magnitude(200_000, 15_000_000)
      const copy = random.pick([
        `scp -q ${random.chance(0.4) ? `-l ${random.magnitude(2000, 60_000)}` : ''} backup.bin alice@${target.address}:b-${pod.name}`,
        `rsync -q ${random.chance(0.5) ? `--bwlimit=${random.magnitude(200, 8000)}` : ''} backup.bin alice@${target.address}:r-${pod.name}`,
      ])
      return { name: 'backup', rate: null, pod, command: `sleep ${random.integer(0, 20)}; ${forever(`head -c ${size} /dev/urandom > backup.bin; ${copy}`, random.integer(5, 25))}` }
    },
  },
  /** A folder that is kept equal: mostly a look at what has changed, now and then a little. */
  mirror: {
    service: 'ssh',
    looksLike: 'LATERAL_MOVEMENT',
    draw: (world) => {
      const { random } = world
      const target = random.pick(world.shells)
      const pod = client(world, target)
      return { name: 'mirror', rate: null, pod, command: `mkdir -p tree; for i in $(seq ${random.magnitude(3, 200)}); do head -c ${random.magnitude(200, 30_000)} /dev/urandom > tree/$i; done; ${forever(`date > tree/now; rsync -qa tree/ deploy@${target.address}:tree-${pod.name}/`, random.integer(1, 15))}` }
    },
  },
  ftp: {
    service: 'ftp',
    draw: (world) => {
      const { random } = world
      const files = world.pod('files')
      return { name: 'ftp', rate: null, pod: client(world, files), command: `head -c ${random.magnitude(1000, 600_000)} /dev/urandom > o.bin; ${forever(`curl -s -T o.bin ftp://alice:wonder1@${files.address}/o-$RANDOM; curl -s ftp://alice:wonder1@${files.address}/ | head -50 | awk '{print $9}' | head -4 | while read f; do curl -s -o /dev/null ftp://alice:wonder1@${files.address}/$f; done`, random.integer(1, 10))}` }
    },
  },
  ftpBackup: {
    service: 'ftp',
    looksLike: 'DATA_EXFILTRATION',
    draw: (world) => {
      const { random } = world
      const target = random.pick([world.pod('files'), world.pod('outside')])
      const pod = client(world, target)
      return { name: 'ftpBackup', rate: null, pod, command: `sleep ${random.integer(0, 15)}; ${forever(`head -c ${random.magnitude(200_000, 12_000_000)} /dev/urandom > f.bin; curl -s ${random.chance(0.6) ? `--limit-rate ${random.magnitude(60, 4000)}k` : ''} -T f.bin ftp://bob:letmein@${target.address}/f-${pod.name}`, random.integer(5, 25))}` }
    },
  },
  shares: {
    service: 'smb',
    looksLike: 'LATERAL_MOVEMENT',
    draw: (world) => {
      const { random } = world
      const files = world.pod('files')
      return { name: 'shares', rate: null, pod: client(world, files), command: forever(`smbclient //${files.address}/data -U alice%wonder1 -c 'ls; get report${random.integer(1, 8)}.bin s.bin; put s.bin s-${random.integer(1, 99)}.bin' >/dev/null 2>&1`, random.integer(1, 12)) }
    },
  },
  /** Reads who is there and what they share, as a backup server and an inventory do over SMB's RPC. */
  inventory: {
    service: 'smb',
    looksLike: 'LATERAL_MOVEMENT',
    draw: (world) => {
      const { random } = world
      const files = world.pod('files')
      return { name: 'inventory', rate: null, pod: client(world, files), command: forever(`rpcclient -U alice%wonder1 ${files.address} -c '${random.sample(['srvinfo', 'enumdomusers', 'netshareenumall', 'querydominfo', 'lsaquery', 'enumprivs'], 3).join('; ')}' >/dev/null 2>&1`, random.integer(1, 10)) }
    },
  },
}
