// `openid-client` gets a token by discovery alone, and opens the data with it.

import assert from 'node:assert/strict';
import test from 'node:test';
import * as openid from 'openid-client';
import { DEMO_ID, DEMO_SECRET, start } from './ileap.mjs';

const { base_url, accounts } = await start('demo');
const METHODS = { client_secret_basic: openid.ClientSecretBasic, client_secret_post: openid.ClientSecretPost };

// Plain HTTP is refused unless asked for; the demo is on loopback.
const discover = (id, secret, method, algorithm = 'oidc') =>
  openid.discovery(new URL(base_url), id, undefined, METHODS[method](secret), {
    algorithm,
    execute: [openid.allowInsecureRequests],
  });

for (const method of Object.keys(METHODS)) {
  for (const algorithm of ['oidc', 'oauth2']) {
    test(`every demo account gets a token by ${method}, discovered by ${algorithm}`, async () => {
      for (const { client_id, client_secret } of accounts) {
        const config = await discover(client_id, client_secret, method, algorithm);
        const token = await openid.clientCredentialsGrant(config);
        assert.equal(token.token_type, 'bearer');
        assert.ok(token.expiresIn() > 0);
      }
    });
  }

  test(`a wrong secret by ${method} is an invalid client`, async () => {
    const config = await discover(DEMO_ID, 'wrong', method);
    await assert.rejects(openid.clientCredentialsGrant(config), (error) => {
      assert.equal(error.error, 'invalid_client');
      assert.equal(error.status, 400);
      return true;
    });
  });
}

test('a granted scope is what was asked for', async () => {
  const config = await discover(DEMO_ID, DEMO_SECRET, 'client_secret_basic');
  const token = await openid.clientCredentialsGrant(config, { scope: 'footprint:read' });
  assert.equal(token.scope, 'footprint:read');
});

for (const method of Object.keys(METHODS)) {
  test(`a client introspects and revokes its own token by ${method}`, async () => {
    const config = await discover(DEMO_ID, DEMO_SECRET, method, 'oauth2');
    const { access_token } = await openid.clientCredentialsGrant(config);
    const told = await openid.tokenIntrospection(config, access_token);
    assert.equal(told.active, true);
    assert.equal(told.client_id, DEMO_ID);
    assert.equal(told.iss, base_url);
    await openid.tokenRevocation(config, access_token, { token_type_hint: 'access_token' });
    assert.deepEqual({ ...(await openid.tokenIntrospection(config, access_token)) }, { active: false });
    const again = await openid.clientCredentialsGrant(config);
    assert.notEqual(again.access_token, access_token);
    const answer = await openid.fetchProtectedResource(config, again.access_token, new URL(`${base_url}/2/footprints`), 'GET');
    assert.equal(answer.status, 200);
  });

  test(`a wrong secret by ${method} revokes nothing`, async () => {
    const config = await discover(DEMO_ID, DEMO_SECRET, method);
    const { access_token } = await openid.clientCredentialsGrant(config);
    const stranger = await discover(DEMO_ID, 'wrong', method);
    await assert.rejects(openid.tokenRevocation(stranger, access_token), (error) => {
      assert.equal(error.status, 401);
      return true;
    });
    assert.equal((await openid.tokenIntrospection(config, access_token)).active, true);
  });
}

test('a refusal names the metadata of what is refused', async () => {
  const config = await discover(DEMO_ID, DEMO_SECRET, 'client_secret_basic');
  await assert.rejects(
    openid.fetchProtectedResource(config, 'abc', new URL(`${base_url}/2/footprints`), 'GET'),
    (error) => {
      const [{ scheme, parameters }] = error.cause;
      assert.equal(scheme, 'bearer');
      assert.equal(parameters.resource_metadata, `${base_url}/.well-known/oauth-protected-resource`);
      return true;
    },
  );
});

test('the token opens footprints and activity data', async () => {
  const config = await discover(DEMO_ID, DEMO_SECRET, 'client_secret_basic');
  const { access_token } = await openid.clientCredentialsGrant(config);
  for (const path of ['/2/footprints?limit=1', '/2/ileap/tad?limit=1']) {
    const answer = await openid.fetchProtectedResource(config, access_token, new URL(base_url + path), 'GET');
    assert.equal(answer.status, 200);
    assert.equal((await answer.json()).data.length, 1);
  }
});
