import { expect, test } from 'vitest';
import { apiCallOf } from './api.call.js';

const AT = 'https://10.0.0.1:6443';

test.each([
  ['GET', '/api/v1/namespaces/shop/pods', 'list pods'],
  ['GET', '/api/v1/namespaces/shop/pods?watch=true&fieldSelector=x', 'watch pods'],
  ['GET', '/api/v1/namespaces/shop/pods/web-1', 'get pods'],
  [
    'PATCH',
    '/api/v1/namespaces/shop/pods/web-1/ephemeralcontainers',
    'patch pods/ephemeralcontainers',
  ],
  ['POST', '/api/v1/namespaces/shop/pods/web-1/eviction', 'create pods/eviction'],
  ['GET', '/api/v1/namespaces/shop/pods/web-1/log?container=c', 'get pods/log'],
  ['GET', '/api/v1/namespaces/shop', 'get namespaces'],
  ['GET', '/api/v1/namespaces', 'list namespaces'],
  ['GET', '/apis/apps/v1/namespaces/shop/deployments/web', 'get deployments'],
  ['GET', '/k8s/clusters/c-1/api/v1/namespaces/shop/pods/web-1', 'get pods'],
  [
    'POST',
    '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    'create selfsubjectaccessreviews',
  ],
  ['GET', '/version', 'get other'],
])('%s %s is told as %s, without a name that is in it', (method, path, told) => {
  const { verb, resource } = apiCallOf(method, AT + path);
  expect(`${verb} ${resource}`).toBe(told);
});
