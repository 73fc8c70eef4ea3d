import { randomUUID } from 'node:crypto'
import { chmodSync, chownSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

export interface Account { name: string, password: string, uid: number }

/** The people of every laboratory. They exist only in files that are mounted over /etc inside its pods. */
export const ACCOUNTS: readonly Account[] = [
  { name: 'alice', password: 'wonder1', uid: 23001 },
  { name: 'bob', password: 'letmein', uid: 23002 },
  { name: 'ops', password: 'S3cret.ops', uid: 23003 },
  { name: 'deploy', password: 'hunter22', uid: 23004 },
]

/** As whom ordinary work runs. It logs in with its key alone. */
export const WORKER: Account = { name: 'work', password: randomUUID(), uid: 23009 }

const EVERYBODY = [...ACCOUNTS, WORKER]

function succeed (program: string, args: readonly string[]): string {
  const result = spawnSync(program, args, { encoding: 'utf8' })
  if (result.status !== 0) throw new Error(`'${program} ${args.join(' ')}' ended with ${result.status ?? 'a signal'}: ${result.stderr}`)
  return result.stdout.trim()
}

/** Writes passwd, shadow and group for the pods into `folder`/etc, and the one SSH key that all accounts share. Homes are under `folder`/people. */
export function writeAccounts (folder: string): void {
  const etc = join(folder, 'etc')
  mkdirSync(etc, { recursive: true })
  const hash = (password: string) => succeed('openssl', ['passwd', '-6', '-salt', 'laboratory', password])
  const append = (file: string, mode: number, lines: readonly string[]) => {
    const own = readFileSync(join('/etc', file), 'utf8').replace(/^root:.*\n/m, '')
    writeFileSync(join(etc, file), `${lines.join('\n')}\n${own}`, { mode })
  }
  // ssh looks for its files in the home that passwd names, whatever HOME says.
  append('passwd', 0o644, [`root:x:0:0::${folder}/people/root:/bin/bash`, ...EVERYBODY.map(({ name, uid }) => `${name}:x:${uid}:${uid}::${folder}/people/${name}:/bin/bash`)])
  append('group', 0o644, ['root:x:0:', ...EVERYBODY.map(({ name, uid }) => `${name}:x:${uid}:`)])
  append('shadow', 0o640, ['root:*:19000:0:99999:7:::', ...EVERYBODY.map(({ name, password }) => `${name}:${hash(password)}:19000:0:99999:7:::`)])
  succeed('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'laboratory', '-f', join(etc, 'key')])
  writeFileSync(join(etc, 'ssh_config'), ['Host *', 'StrictHostKeyChecking no', 'UserKnownHostsFile /dev/null', 'LogLevel ERROR',
    'ConnectTimeout 5', 'GSSAPIAuthentication no', ''].join('\n'))
}

/** Gives root and each account a home inside a pod's own folder, with the shared key. */
export function writeHomes (labFolder: string, podFolder: string): void {
  const etc = join(labFolder, 'etc')
  for (const { name, uid } of [{ name: 'root', uid: 0 }, ...EVERYBODY]) {
    const home = join(podFolder, 'people', name)
    mkdirSync(join(home, '.ssh'), { recursive: true })
    copyFileSync(join(etc, 'key'), join(home, '.ssh', 'id_ed25519'))
    copyFileSync(join(etc, 'key.pub'), join(home, '.ssh', 'authorized_keys'))
    copyFileSync(join(etc, 'ssh_config'), join(home, '.ssh', 'config'))
    for (const path of ['.', '.ssh', '.ssh/id_ed25519', '.ssh/authorized_keys', '.ssh/config']) chownSync(join(home, path), uid, uid)
    chmodSync(join(home, '.ssh', 'id_ed25519'), 0o600)
    chmodSync(home, 0o755)
  }
}
