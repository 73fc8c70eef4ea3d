/**
 * What a responder port is mostly used for. Coarse on purpose: a class generalises where a port number would be learned by heart,
 * and with it a model raised about half as many false alarms as without.
 */
export const PORT_CLASSES = [
  'login', 'database', 'web', 'name', 'files', 'mail', 'well_known', 'registered', 'high',
] as const
export type PortClass = (typeof PORT_CLASSES)[number]

const NAMED: Readonly<Partial<Record<PortClass, readonly number[]>>> = {
  login: [21, 22, 23, 512, 513, 514, 990, 2222, 3389, 5900, 5901],
  database: [1433, 1521, 3306, 5432, 6379, 9042, 9200, 11211, 26257, 27017],
  web: [80, 443, 3000, 5000, 8000, 8008, 8080, 8081, 8443, 8888, 9090, 9100, 15020, 50051],
  name: [53, 67, 68, 123, 137, 853, 1900, 5353, 5355],
  files: [111, 135, 138, 139, 389, 445, 593, 636, 873, 2049, 5985, 5986, 47001],
  mail: [25, 110, 143, 465, 587, 993, 995],
}

const FIRST_DYNAMIC_PORT = 32_768 // Linux takes its ephemeral ports from here (net.ipv4.ip_local_port_range)

const byPort = new Uint8Array(65_536).map((_, port) =>
  PORT_CLASSES.indexOf(port < 1024 ? 'well_known' : port < FIRST_DYNAMIC_PORT ? 'registered' : 'high'))
for (const [index, name] of PORT_CLASSES.entries()) {
  for (const port of NAMED[name] ?? []) byPort[port] = index
}

/** Index into PORT_CLASSES. A port outside 0..65535 is a defect of the caller and counts as `high`. */
export function portClassIndex (port: number): number {
  return byPort[port] ?? PORT_CLASSES.length - 1
}
