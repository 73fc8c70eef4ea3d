import { client } from './kind.ts'
import type { Kinds } from './kind.ts'

/** Who asks for names, a little or without end. */
export const NAMES: Kinds = {
  names: {
    service: 'dns',
    draw: (world) => {
      const rate = world.rate(1, 250)
      return { name: 'names', rate, pod: client(world, world.pod('names')), job: { kind: 'names', server: world.pod('names').address, names: ['web.lab', 'shop.lab', 'orders.lab', 'database.lab', 'missing.lab', 'cdn.partner.example'], rate, freshLabels: 0, labelCharacters: 0 } }
    },
  },
  manyNames: {
    service: 'dns',
    looksLike: 'DATA_EXFILTRATION',
    draw: (world) => {
      const rate = world.rate(3, 250)
      return { name: 'manyNames', rate, pod: client(world, world.pod('names')), job: { kind: 'names', server: world.pod('names').address, names: ['lab', 'web.lab', 'static.lab'], rate, freshLabels: 1, labelCharacters: 12 } }
    },
  },
  /** Hashes as names: reputation look-ups, content networks, object stores. */
  longNames: {
    service: 'dns',
    looksLike: 'DATA_EXFILTRATION',
    draw: (world) => {
      const { random } = world
      const rate = world.rate(1, 50)
      return { name: 'longNames', rate, pod: client(world, world.pod('names')), job: { kind: 'names', server: world.pod('names').address, names: ['lists.lab', 'cdn.lab'], rate, freshLabels: random.integer(1, 3), labelCharacters: random.integer(20, 50) } }
    },
  },
}
