import { z } from 'zod';

/** As Kubernetes takes them: `NET_ADMIN`. The runtime itself puts `CAP_` in front. */
const capability = z
  .string()
  .max(63)
  .regex(
    /^(?!CAP_)[A-Z][A-Z0-9_]*$/,
    'must be a capability such as NET_ADMIN, without CAP_ in front',
  );

const localizable = <Types extends readonly [string, ...string[]]>(types: Types) =>
  z
    .strictObject({
      type: z.enum(types),
      localhostProfile: z.string().min(1).max(255).exactOptional(),
    })
    .refine((it) => (it.type === 'Localhost') === (it.localhostProfile !== undefined), {
      path: ['localhostProfile'],
      error: 'goes with the type Localhost, and that type with it',
    });

const id = z.int().min(0).max(2_147_483_647);
const label = z.string().min(1).max(255).exactOptional();

/**
 * The fields of a Kubernetes `SecurityContext` (core/v1) that a profile may set: all but `procMount`, which needs more
 * of the Pod than a debug container can ask, and `windowsOptions`.
 */
export const securityContextSchema = z
  .strictObject({
    allowPrivilegeEscalation: z.boolean().exactOptional(),
    appArmorProfile: localizable(['RuntimeDefault', 'Localhost', 'Unconfined']).exactOptional(),
    capabilities: z
      .strictObject({
        add: z.array(capability).max(64).exactOptional(),
        drop: z.array(capability).max(64).exactOptional(),
      })
      .exactOptional(),
    privileged: z.boolean().exactOptional(),
    readOnlyRootFilesystem: z.boolean().exactOptional(),
    runAsGroup: id.exactOptional(),
    runAsNonRoot: z.boolean().exactOptional(),
    runAsUser: id.exactOptional(),
    seLinuxOptions: z
      .strictObject({ level: label, role: label, type: label, user: label })
      .exactOptional(),
    seccompProfile: localizable(['RuntimeDefault', 'Localhost', 'Unconfined']).exactOptional(),
  })
  // The API server refuses these two (validation.go, ValidateSecurityContext).
  .refine((it) => it.allowPrivilegeEscalation !== false || it.privileged !== true, {
    path: ['allowPrivilegeEscalation'],
    error: 'cannot be false where privileged is true',
  })
  .refine(
    (it) =>
      it.allowPrivilegeEscalation !== false || it.capabilities?.add?.includes('SYS_ADMIN') !== true,
    {
      path: ['allowPrivilegeEscalation'],
      error: 'cannot be false where SYS_ADMIN is added',
    },
  )
  .meta({ id: 'SecurityContext', description: 'A security context, as Kubernetes has it.' });
