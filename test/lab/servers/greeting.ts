import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { program } from '../../setup/tools.ts'
import type { Pod } from '../pod.ts'
import { serve, writeIn } from './serve.ts'

/** Programs of servers that speak first. */
export const GREETING_TOOLS = ['mariadbd', 'mariadb-install-db', 'mariadb', 'smtpd', 'smtp']
export const [MYSQL_PORT, SMTP_PORT] = [3306, 25]

/** A client of the shop's database; with `-h ADDRESS` and a statement it is whole. */
export const MYSQL_CLIENT = 'mariadb --no-defaults --connect-timeout=10 -u app -papp-secret -N shop'

/** MariaDB with the table `item` of 20,000 rows, 2.6 MB; `more`: statements of its first start, such as further grants. */
export async function startMysql (pod: Pod, more: readonly string[] = []): Promise<void> {
  const data = join(pod.folder, 'mysql')
  mkdirSync(data)
  const small = ['data-file-path=ibdata1:4M:autoextend', 'log-file-size=4M', 'buffer-pool-size=8M', 'flush-method=nosync'].map((option) => `--innodb-${option}`).join(' ')
  // Pods share the machine's /tmp, and their processes have the same numbers.
  const options = `--no-defaults --datadir=${data} --tmpdir=${pod.folder} --user=root --performance-schema=OFF --skip-name-resolve --max-connect-errors=1000000 ${small}`
  await pod.must(`${program('mariadb-install-db')} ${options} --skip-test-db`, { timeoutMs: 60_000 })
  const first = writeIn(pod, 'mysql-first.sql', ['create database shop;', 'use shop;', "create user 'app'@'%' identified by 'app-secret';", 'grant all on shop.* to \'app\'@\'%\';', ...more,
    'create table item (id int primary key, name varchar(200), price int) select seq as id, repeat(md5(seq), 4) as name, seq as price from seq_1_to_20000;'])
  await serve(pod, `${program('mariadbd')} ${options} --socket=${data}/socket --port=${MYSQL_PORT} --bind-address=* --init-file=${first}`, MYSQL_PORT)
  await pod.must(`for i in $(seq 100); do ${MYSQL_CLIENT} -h ${pod.address} -e 'select count(*) from item' | grep -q 20000 && exit 0; sleep 0.1; done; exit 1`)
}

/** OpenSMTPD, which takes mail for `@shop.lab`; alice's comes to lie in `~alice/Maildir/new`. */
export async function startMail (pod: Pod): Promise<void> {
  await pod.must('mount -t tmpfs tmpfs /var/spool') // smtpd knows one queue, which is the machine's
  const config = writeIn(pod, 'smtpd.conf', [`listen on 0.0.0.0 port ${SMTP_PORT} hostname ${pod.name}.lab`, 'action "local" maildir', 'match from any for domain "shop.lab" action "local"'])
  await serve(pod, `${program('smtpd')} -d -f ${config}`, SMTP_PORT)
}
