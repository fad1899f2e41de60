import { createHmac } from 'node:crypto';

/**
 * The URL of a role in a database of the server that `adminUrl` names. Its password derives from the administrator's,
 * so that nobody has to keep it, and runs that share a server agree on it.
 */
export function roleUrl(
  adminUrl: string,
  { database, user }: { readonly database: string; readonly user?: string },
): string {
  const url = new URL(adminUrl);
  url.pathname = `/${encodeURIComponent(database)}`;
  if (user !== undefined) {
    url.username = encodeURIComponent(user);
    url.password = rolePassword(adminUrl, user);
  }
  return url.href;
}

export function rolePassword(adminUrl: string, user: string): string {
  const { password } = new URL(adminUrl);
  return createHmac('sha256', password === '' ? adminUrl : password)
    .update(user)
    .digest('base64url');
}
