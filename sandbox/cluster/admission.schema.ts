import { z } from 'zod';

const metadata = z.looseObject({ name: z.string(), namespace: z.string().exactOptional() });
const texts = z.array(z.string()).min(1);

/** `admissionregistration.k8s.io/v1`, as far as it is played; strict, so that nothing is passed over. */
export const AdmissionPolicy = z.strictObject({
  apiVersion: z.literal('admissionregistration.k8s.io/v1'),
  kind: z.literal('ValidatingAdmissionPolicy'),
  metadata,
  spec: z.strictObject({
    failurePolicy: z.enum(['Fail', 'Ignore']).default('Fail'),
    paramKind: z
      .strictObject({ apiVersion: z.literal('v1'), kind: z.literal('ConfigMap') })
      .exactOptional(),
    matchConstraints: z.strictObject({
      resourceRules: z.array(
        z.strictObject({
          apiGroups: texts,
          apiVersions: texts,
          operations: z.array(z.enum(['UPDATE', 'CONNECT'])).min(1),
          resources: texts,
        }),
      ),
    }),
    variables: z.array(z.strictObject({ name: z.string(), expression: z.string() })).default([]),
    validations: z
      .array(
        z.strictObject({
          expression: z.string(),
          message: z.string().regex(/^.+$/, 'is one line').exactOptional(),
          reason: z
            .enum(['Unauthorized', 'Forbidden', 'Invalid', 'RequestEntityTooLarge'])
            .exactOptional(),
        }),
      )
      .default([]),
    auditAnnotations: z
      .array(z.strictObject({ key: z.string(), valueExpression: z.string() }))
      .default([]),
  }),
});
export type AdmissionPolicy = z.infer<typeof AdmissionPolicy>;

export const AdmissionBinding = z.strictObject({
  apiVersion: z.literal('admissionregistration.k8s.io/v1'),
  kind: z.literal('ValidatingAdmissionPolicyBinding'),
  metadata,
  spec: z.strictObject({
    policyName: z.string(),
    paramRef: z
      .strictObject({
        name: z.string(),
        namespace: z.string(),
        parameterNotFoundAction: z.enum(['Allow', 'Deny']),
      })
      .exactOptional(),
    validationActions: z
      .array(z.enum(['Deny', 'Warn', 'Audit']))
      .min(1)
      // Both would tell the same twice (pkg/apis/admissionregistration/validation).
      .refine(
        (it) => !(it.includes('Deny') && it.includes('Warn')),
        'Deny and Warn exclude another',
      ),
  }),
});
export type AdmissionBinding = z.infer<typeof AdmissionBinding>;

export const ParamMap = z.strictObject({
  apiVersion: z.literal('v1'),
  kind: z.literal('ConfigMap'),
  metadata,
  data: z.record(z.string(), z.string()),
});
export type ParamMap = z.infer<typeof ParamMap>;

export const AdmissionManifest = z.discriminatedUnion('kind', [
  AdmissionPolicy,
  AdmissionBinding,
  ParamMap,
]);
export type AdmissionManifest = z.infer<typeof AdmissionManifest>;
