import { RBAC_Action as RbacAction } from '../../src/wire/gen/xds/envoy/config/rbac/v3/rbac_pb.js'

/** RBAC rules that would deny everything: as shadow rules they count all that passes. */
export const COUNT_ALL = {
  action: RbacAction.DENY,
  policies: { shadow: { permissions: [{ rule: { case: 'any' as const, value: true } }], principals: [{ identifier: { case: 'any' as const, value: true } }] } },
}
