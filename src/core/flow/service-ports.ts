/**
 * UDP ports from 1024 up that are a service's own: IANA's registrations that are in use, and what Kubernetes runs beside them.
 * They tell which end of a conversation was asked. Ephemeral ranges (Linux 32768, IANA 49152) hold few of them, or a client would pass for a server.
 */
const REGISTERED_UDP = [
  1194, 1433, 1434, 1645, 1646, 1701, 1719, 1812, 1813, 1883, 1900, 2049, 2055, 2123, 2152, 2379, 3000, 3074, 3306, 3389, 3478, 3479, 3702,
  3799, 4433, 4434, 4443, 4500, 4729, 4739, 4789, 5004, 5005, 5060, 5061, 5246, 5247, 5349, 5350, 5351, 5353, 5355, 5432, 5671, 5672, 5683,
  5684, 6081, 6343, 6379, 6443, 6831, 6832, 7946, 8125, 8200, 8285, 8301, 8302, 8443, 8472, 8600, 8805, 9000, 9090, 9125, 9200, 9300, 9995,
  9996, 10001, 11211, 12201, 14550, 17500, 19302, 20000, 24224, 25826, 27015, 27036, 30303, 41641, 44818, 47808, 51820, 51821,
] as const

/** 1 for each port below 1024 and each registered one. */
const SERVICE = new Uint8Array(65_536).fill(1, 0, 1024)
for (const port of REGISTERED_UDP) SERVICE[port] = 1

export const isServicePort = (port: number): boolean => SERVICE[port] === 1
