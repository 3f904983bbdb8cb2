// `jose` judges our access token with nothing but the published key set.

import assert from 'node:assert/strict';
import test from 'node:test';
import { calculateJwkThumbprint, createRemoteJWKSet, errors, jwtVerify } from 'jose';
import { ALGORITHM, DEMO_ID, DEMO_SECRET, start } from './ileap.mjs';

const { base_url } = await start('demo');
const { jwks_uri, token_endpoint } = await (await fetch(`${base_url}/.well-known/openid-configuration`)).json();
const keys = createRemoteJWKSet(new URL(jwks_uri));
const options = {
  algorithms: [ALGORITHM],
  audience: base_url,
  issuer: base_url,
  requiredClaims: ['client_id', 'exp', 'iat', 'jti', 'nbf', 'sub'],
  typ: 'at+jwt',
};

async function fetchToken() {
  const body = new URLSearchParams({ grant_type: 'client_credentials', client_id: DEMO_ID, client_secret: DEMO_SECRET });
  const answer = await fetch(token_endpoint, { method: 'POST', body });
  return (await answer.json()).access_token;
}

test('the token verifies', async () => {
  const { payload, protectedHeader } = await jwtVerify(await fetchToken(), keys, options);
  assert.equal(protectedHeader.alg, ALGORITHM);
  assert.match(payload.sub, /^clerk\|user_/);
  assert.equal(payload.client_id, DEMO_ID);
});

test('key ids are thumbprints (RFC 7638)', async () => {
  const set = await (await fetch(jwks_uri)).json();
  assert.ok(set.keys.length > 0);
  for (const key of set.keys) assert.equal(await calculateJwkThumbprint(key), key.kid);
});

test('another audience does not accept the token', async () => {
  const elsewhere = { ...options, audience: 'https://other.example' };
  await assert.rejects(jwtVerify(await fetchToken(), keys, elsewhere), errors.JWTClaimValidationFailed);
});
