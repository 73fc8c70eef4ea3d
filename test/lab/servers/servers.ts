import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { program } from '../../setup/tools.ts'
import { ACCOUNTS } from '../accounts.ts'
import type { Pod } from '../pod.ts'
import type { AppPorts } from './app.ts'
import type { ExtraServer, Settings } from '../settings.ts'
import { BROKER_PORT, startBroker } from './broker.ts'
import { MYSQL_PORT, SMTP_PORT, startMail, startMysql } from './greeting.ts'
import { STARTS_WITHIN_MS, serve, writeIn } from './serve.ts'

/** What a pod can serve, and the programs that it takes. */
export const SERVERS = {
  web: { tools: ['nginx'], ports: [80, 443], start: startNginx },
  database: { tools: ['initdb', 'postgres', 'psql'], ports: [5432], start: startPostgres },
  cache: { tools: ['redis-server', 'redis-cli'], ports: [6379], start: startRedis },
  ssh: { tools: ['sshd'], ports: [22], start: startSshd },
  ftp: { tools: ['vsftpd'], ports: [21], start: startVsftpd },
  names: { tools: ['dnsmasq'], ports: [53], start: startDnsmasq },
  files: { tools: ['smbd', 'smbpasswd'], ports: [445], start: startSamba },
} as const

export type ServerName = keyof typeof SERVERS

/** Servers that not every laboratory has. */
export const EXTRA_SERVERS = {
  mysql: { tools: ['mariadbd', 'mariadb-install-db', 'mariadb'], ports: [MYSQL_PORT], start: startMysql },
  mail: { tools: ['smtpd', 'smtp'], ports: [SMTP_PORT], start: startMail },
  broker: { tools: ['mosquitto', 'mosquitto_pub', 'mosquitto_sub'], ports: [BROKER_PORT], start: startBroker },
} as const satisfies Record<ExtraServer, unknown>

export interface ServerContext { names: Readonly<Record<string, string>>, delegate?: string, settings?: Pick<Settings, 'pam' | 'ftpDelay' | 'maxAuthTries'> }

const PLAIN: NonNullable<ServerContext['settings']> = { pam: false, ftpDelay: 1, maxAuthTries: 6 }

export const DATABASE_PASSWORD = 'pgsecret'
export const CACHE_PASSWORD = 'redpass'

async function startNginx (pod: Pod): Promise<void> {
  const folder = join(pod.folder, 'web')
  mkdirSync(join(folder, 'html', 'packages'), { recursive: true })
  for (let i = 1; i <= 40; i++) {
    writeFileSync(join(folder, 'html', `page${i}.html`), `<a href="page${(i % 40) + 1}.html">next</a>${'z'.repeat(i * 700)}`)
    writeFileSync(join(folder, 'html', 'packages', `${i}.tgz`), Buffer.alloc(i * 9000, i))
  }
  writeFileSync(join(folder, 'html', 'big.bin'), Buffer.alloc(40_000_000, 7))
  await pod.must(`openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=web -keyout ${folder}/key.pem -out ${folder}/cert.pem`)
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')
  const config = writeIn(pod, 'nginx.conf', [`user www-data; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log; daemon off;`,
    'events { worker_connections 4096; }',
    `http { access_log off; keepalive_timeout 65; client_max_body_size 0; ${temporary}`,
    `server { listen 80 backlog=1024; listen 443 ssl; ssl_certificate ${folder}/cert.pem; ssl_certificate_key ${folder}/key.pem; root ${folder}/html;`,
    'location /healthz { return 200 ok; } location /fail { return 503; } location /login { return 401; } } }'])
  await serve(pod, `${program('nginx')} -e ${folder}/error.log -c ${config}`, 80)
}

async function startPostgres (pod: Pod): Promise<void> {
  const data = join(pod.folder, 'database')
  mkdirSync(data)
  const password = writeIn(pod, 'database-password', [DATABASE_PASSWORD])
  const as = 'setpriv --reuid postgres --regid postgres --clear-groups'
  await pod.must(`chown postgres ${data} && ${as} ${program('initdb')} -D ${data} -U postgres -A scram-sha-256 --pwfile=${password} --no-sync`, { timeoutMs: 60_000 })
  await pod.must(`echo 'host all all 0.0.0.0/0 scram-sha-256' >> ${data}/pg_hba.conf`)
  await serve(pod, `${as} ${program('postgres')} -D ${data} -c listen_addresses=* -c unix_socket_directories=${data} -c fsync=off -c max_connections=150 -c shared_buffers=16MB -c autovacuum=off`, 5432)
  const sql = `create table item (id serial primary key, name text, price int); insert into item (name, price) select repeat(md5(i::text), 4), i from generate_series(1, 20000) i;
    create role app login password 'app-secret'; grant all on item to app;`
  await pod.must(`for i in 1 2 3 4 5 6 7 8; do psql -q -h ${data} -U postgres -v ON_ERROR_STOP=1 -c "${sql}" postgres && exit 0; sleep 0.3; done; exit 1`, { env: { PGPASSWORD: DATABASE_PASSWORD } })
}

async function startRedis (pod: Pod): Promise<void> {
  await serve(pod, `${program('redis-server')} --bind 0.0.0.0 --port 6379 --requirepass ${CACHE_PASSWORD} --dir ${pod.folder} --protected-mode no --save '' --appendonly no`, 6379)
}

async function startSshd (pod: Pod, { settings = PLAIN }: ServerContext): Promise<void> {
  const key = join(pod.folder, 'host-key')
  await pod.must(`ssh-keygen -q -t ed25519 -N '' -f ${key}`)
  const config = writeIn(pod, 'sshd_config', ['Port 22', `HostKey ${key}`, 'PidFile none', `UsePAM ${settings.pam ? 'yes' : 'no'}`, `MaxAuthTries ${settings.maxAuthTries}`, 'PasswordAuthentication yes', 'PermitRootLogin no',
    'UseDNS no', 'MaxStartups 100:30:200', 'Subsystem sftp internal-sftp', 'AllowTcpForwarding yes', 'StrictModes no'])
  await serve(pod, `${program('sshd')} -D -e -f ${config}`, 22)
}

async function startVsftpd (pod: Pod, { settings = PLAIN }: ServerContext): Promise<void> {
  const config = writeIn(pod, 'vsftpd.conf', ['listen=YES', 'background=NO', 'local_enable=YES', 'write_enable=YES', 'anonymous_enable=NO', 'pam_service_name=vsftpd',
    'secure_chroot_dir=/run/vsftpd/empty', 'seccomp_sandbox=NO', 'max_login_fails=3', `delay_failed_login=${settings.ftpDelay}`, 'pasv_min_port=40000', 'pasv_max_port=40100'])
  await serve(pod, `${program('vsftpd')} ${config}`, 21)
}

/** Names end in `.lab`; those of the two tunnel domains are asked of the pod's neighbour named in `delegates`. */
async function startDnsmasq (pod: Pod, context: ServerContext): Promise<void> {
  const config = writeIn(pod, 'dnsmasq.conf', ['no-daemon', 'no-resolv', 'no-hosts', 'bind-interfaces', `listen-address=${pod.address}`, 'cache-size=1000', 'local=/lab/', 'dns-forward-max=1000',
    'user=root', ...Object.entries(context.names).map(([name, address]) => `address=/${name}.lab/${address}`),
    ...(context.delegate === undefined ? [] : [`server=/t1.example.org/${context.delegate}`, `server=/t2.example.org/${context.delegate}#54`])])
  await serve(pod, `${program('dnsmasq')} -C ${config}`, 53)
}

async function startSamba (pod: Pod): Promise<void> {
  const folder = join(pod.folder, 'samba')
  for (const name of ['private', 'lock', 'state', 'cache', 'pid', 'rpc', 'share']) mkdirSync(join(folder, name), { recursive: true })
  for (let i = 1; i <= 8; i++) writeFileSync(join(folder, 'share', `report${i}.bin`), Buffer.alloc(i * 150_000, i))
  const config = writeIn(pod, 'smb.conf', ['[global]', `private dir=${folder}/private`, `lock directory=${folder}/lock`, `state directory=${folder}/state`,
    `cache directory=${folder}/cache`, `pid directory=${folder}/pid`, `ncalrpc dir=${folder}/rpc`, `log file=${folder}/log`, 'server role=standalone', 'disable netbios=yes',
    'load printers=no', 'map to guest=never', '[data]', `path=${folder}/share`, 'read only=no'])
  const people = ACCOUNTS.map(({ name, password }) => `printf '${password}\\n${password}\\n' | ${program('smbpasswd')} -c ${config} -s -a ${name}`)
  await pod.must(`chmod 777 ${folder}/share; ${people.join(' && ')}`)
  await serve(pod, `${program('smbd')} -s ${config} -F --no-process-group </dev/null`, 445)
}

/** Starts the small application of `app.ts` on the given ports. */
export async function startApp (pod: Pod, ports: AppPorts): Promise<void> {
  if (ports.https?.length) await pod.must('openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=app -keyout app-key.pem -out app-cert.pem')
  const server = pod.spawn(`exec ${process.execPath} ${join(import.meta.dirname, 'app.ts')} '${JSON.stringify(ports)}'`)
  await server.saying('app is ready', STARTS_WITHIN_MS)
}

export async function startServer (name: ServerName, pod: Pod, context: ServerContext): Promise<void> {
  await SERVERS[name].start(pod, context)
}
