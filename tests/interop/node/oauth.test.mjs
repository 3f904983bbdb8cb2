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

test('the token opens footprints and activity data', async () => {
  const config = await discover(DEMO_ID, DEMO_SECRET, 'client_secret_basic');
  const { access_token } = await openid.clientCredentialsGrant(config);
  for (const path of ['/2/footprints?limit=1', '/2/ileap/tad?limit=1']) {
    const answer = await openid.fetchProtectedResource(config, access_token, new URL(base_url + path), 'GET');
    assert.equal(answer.status, 200);
    assert.equal((await answer.json()).data.length, 1);
  }
});
