import { program } from '../../setup/tools.ts'
import { CACHE_PASSWORD, DATABASE_PASSWORD } from '../servers/servers.ts'
import { MYSQL_CLIENT } from '../servers/greeting.ts'
import { client, forever } from './kind.ts'
import type { Kinds } from './kind.ts'

/** Caches and databases at work. */
export const STORES: Kinds = {
  redis: {
    service: 'redis',
    draw: (world) => {
      const { random } = world
      const cache = world.pod('cache')
      const rate = world.rate(5, 2000)
      return { name: 'redis', rate, pod: client(world, cache), job: { kind: 'redis', host: cache.address, password: CACHE_PASSWORD, connections: random.integer(1, 10), rate, valueBytes: random.magnitude(10, 6000) } }
    },
  },
  redisBench: {
    service: 'redis',
    draw: (world) => {
      const { random } = world
      const cache = world.pod('cache')
      return { name: 'redisBench', rate: null, pod: client(world, cache), command: forever(`redis-benchmark -h ${cache.address} -a ${CACHE_PASSWORD} -c ${random.integer(1, 30)} -n ${random.magnitude(20, 8000)} -t get,set -q`, random.integer(2, 20)) }
    },
  },
  shortConnections: {
    service: 'redis',
    looksLike: 'BRUTE_FORCE',
    draw: (world) => {
      const { random } = world
      const cache = world.pod('cache')
      return { name: 'shortConnections', rate: null, pod: client(world, cache), command: forever(`redis-benchmark -h ${cache.address} -a ${CACHE_PASSWORD} -k 0 -c ${random.integer(1, 20)} -n ${random.magnitude(200, 3000)} -t get -q`, random.integer(3, 15)) }
    },
  },
  pgbench: {
    service: 'postgres',
    draw: (world) => {
      const { random } = world
      const database = world.pod('database')
      const script = 'select name, price from item where id = (random() * 19999)::int;'
      const rate = world.rate(2, 300)
      return { name: 'pgbench', rate, pod: client(world, database), command: `export PGPASSWORD=app-secret; echo '${script}' > item.sql; ${program('pgbench')} -n -h ${database.address} -U app -f item.sql -c ${random.integer(1, 8)} -R ${rate} -T 3600 ${random.chance(0.3) ? '-C' : ''} postgres` }
    },
  },
  reports: {
    service: 'postgres',
    draw: (world) => {
      const { random } = world
      const database = world.pod('database')
      return { name: 'reports', rate: null, pod: client(world, database), command: `export PGPASSWORD=app-secret; ${forever(`psql -q -h ${database.address} -U app postgres -c 'select * from item limit ${random.magnitude(1, 20_000)}' >/dev/null`, random.magnitude(2, 50) / 10)}` }
    },
  },
  databaseWrongPassword: {
    service: 'postgres',
    looksLike: 'BRUTE_FORCE',
    draw: (world) => {
      const database = world.pod('database')
      return { name: 'databaseWrongPassword', rate: null, pod: client(world, database), command: `export PGPASSWORD=outdated; ${forever(`psql -q -h ${database.address} -U app postgres -c 'select 1' >/dev/null 2>&1`, world.random.integer(2, 20))}` }
    },
  },
  databaseDump: {
    service: 'postgres',
    looksLike: 'DATA_EXFILTRATION',
    draw: (world) => {
      const { random } = world
      const database = world.pod('database')
      return { name: 'databaseDump', rate: null, pod: client(world, database), command: `export PGPASSWORD=${DATABASE_PASSWORD}; sleep ${random.integer(1, 25)}; ${forever(`pg_dump -h ${database.address} -U postgres postgres > dump.sql`, 20)}` }
    },
  },
  /** Reads a slice, works on it, writes it elsewhere, and begins anew. */
  batch: {
    service: 'postgres',
    looksLike: 'DATA_EXFILTRATION',
    draw: (world) => {
      const { random, settings } = world
      const database = world.pod('database')
      const sink = random.pick([...world.apps])
      const pod = client(world, database, sink)
      const slice = random.magnitude(50, 20_000)
      return { name: 'batch', rate: null, pod, command: `export PGPASSWORD=app-secret; ${forever(`for i in $(seq ${random.integer(1, 12)}); do psql -q -A -t -h ${database.address} -U app postgres -c "select * from item offset $((RANDOM % 9000)) limit ${slice}" > slice.txt; gzip -c slice.txt | curl -s -o /dev/null --data-binary @- http://${sink.address}:${settings.appPort}/result; done`, random.integer(2, 25))}` }
    },
  },
  mysqlQueries: {
    service: 'mysql',
    draw: (world) => {
      const server = world.extra('mysql')
      if (server === null) return null
      const { random } = world
      const body = `${MYSQL_CLIENT} -h ${server.address} -e 'select name, price from item order by rand() limit ${random.magnitude(1, 3000)}' >/dev/null`
      return { name: 'mysqlQueries', rate: null, pod: client(world, server), command: forever(body, random.magnitude(2, 40) / 10) }
    },
  },
  mysqlSession: {
    service: 'mysql',
    draw: (world) => {
      const server = world.extra('mysql')
      if (server === null) return null
      return { name: 'mysqlSession', rate: null, pod: client(world, server), command: `(${forever("echo 'select * from item where id = floor(rand() * 20000);'", world.random.magnitude(1, 30) / 10)}) | ${MYSQL_CLIENT} -h ${server.address} >/dev/null` }
    },
  },
}
