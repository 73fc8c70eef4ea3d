import { Type, type Static } from 'typebox'

const port = Type.Integer({ minimum: 1, maximum: 65535 })

/** The Envoy of a pod as it was injected. */
export const PodProxy = Type.Object({
  /** `redirect`: nftables brings it every TCP connection. `explicit`: it listens on ports of its own, and sees what comes there. */
  mode: Type.Union([Type.Literal('redirect'), Type.Literal('explicit')]),
  /** Where redirected connections from outside go; not used where `mode` is `explicit`. */
  inboundPort: port,
  /** Where those go instead whose application is to see its client's own address; absent where an earlier release injected it, or `mode` is `explicit`. */
  transparentPort: Type.Optional(port),
  /** Where the pod's own redirected connections go; null where they are left alone. */
  outboundPort: Type.Union([port, Type.Null()]),
  /** Ports of the application whose connections may be read as HTTP; on all others the proxy looks at no byte. */
  httpPorts: Type.Array(port, { maxItems: 64 }),
  /** Whether it shares the volume of the access log (`LOG_SOCKET`) with the observer; one that was injected by an earlier release does not. */
  accessLog: Type.Optional(Type.Boolean()),
  /** Where `mode` is `explicit`: the proxy's own port before each port of the application. */
  explicitPorts: Type.Array(Type.Object({ listen: port, application: port }, { additionalProperties: false }), { maxItems: 64 }),
}, { $id: 'PodProxy', additionalProperties: false })
export type PodProxy = Static<typeof PodProxy>
