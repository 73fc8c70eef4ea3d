/** What our access loggers add to each entry, by the names that the observer reads them under. */
export const TAG = {
  /** Name of the filter chain. */
  chain: 'chain',
  /** Envoy's number of the connection. */
  connection: 'connection',
  /** Why Envoy answered by itself. */
  details: 'details',
  /** Why Envoy closed the connection. */
  closed: 'closed',
  /** How the client closed it. */
  detected: 'detected',
  /** The port that the listener stands for; not there where it stands for all. */
  port: 'port',
} as const
