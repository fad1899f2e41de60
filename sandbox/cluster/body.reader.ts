import type { z } from 'zod';
import type { ApiRequest } from './api.exchange.js';
import { parseJson } from './go.format.js';
import { isObject } from './json.value.js';
import { badRequest, isRefusal, notSupported, type Refusal } from './status.objects.js';

/** A JSON body of a known kind, or why it is not one. */
export async function readDocument<T>(
  request: ApiRequest,
  schema: z.ZodType<T>,
  kind: string,
): Promise<T | Refusal> {
  const type = request.contentType.split(';')[0]?.trim() ?? '';
  if (type !== '' && type !== 'application/json') return notSupported(`bodies of type ${type}`);
  const body = await request.readBody();
  if (isRefusal(body)) return body;
  const parsed = parseJson(body.toString('utf8'));
  if ('error' in parsed) {
    return badRequest(`couldn't get version/kind; json parse error: ${parsed.error}`);
  }
  const result = schema.safeParse(parsed.value);
  if (result.success) return result.data;
  const given = isObject(parsed.value) ? parsed.value['apiVersion'] : undefined;
  const version = typeof given === 'string' ? given : 'v1';
  const issue = result.error.issues[0];
  return badRequest(
    `${kind} in version ${JSON.stringify(version.split('/').pop())} cannot be handled as a ${kind}: json: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`,
  );
}

/** An optional JSON body, as DELETE has: absent is an empty object. */
export async function readOptions<T>(
  request: ApiRequest,
  schema: z.ZodType<T>,
  kind: string,
): Promise<T | Refusal> {
  const body = await request.readBody();
  if (isRefusal(body)) return body;
  if (body.length > 0)
    return readDocument({ ...request, readBody: () => Promise.resolve(body) }, schema, kind);
  return schema.parse({});
}
