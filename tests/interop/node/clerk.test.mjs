// Clerk's own SDKs take the emulator for Clerk.
//
// Signing in: the native bundle of `@clerk/clerk-js`, which React Native apps load, also runs under Node. It derives
// the address of the Frontend API from the publishable key and insists on https, so its request hook points each
// request to the emulator, and keeps the client's token as a native app does. Backend: `@clerk/backend`, told where
// the Backend API is, verifies with its `/v1/jwks`; clerk_backend.test.mjs has the rest.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { createClerkClient, verifyToken } from '@clerk/backend';
import { start } from './ileap.mjs';

const { Clerk } = createRequire(import.meta.url)('./node_modules/@clerk/clerk-js/dist/clerk.native.js');

// The newest that the emulator has; the bundle asks for a newer one, whose differences do not touch signing in.
const API_VERSION = '2026-05-12';

const directory = mkdtempSync(join(tmpdir(), 'ileap-clerk-'));
after(() => rmSync(directory, { recursive: true }));
const users = join(directory, 'users.toml');
writeFileSync(users, '[[user]]\nemail = "ops@acme.example"\npassword = "correct horse"\norganization = "acme"\nrole = "operator"\n');

const emulator = await start('clerk-emulator', '--users', users);
const apiUrl = emulator.backend_api_url;
const secretKey = emulator.secret_key;
const publishableKey = emulator.publishable_key;

/** A fresh app with nobody signed in. */
async function app() {
  const clerk = new Clerk(publishableKey);
  let clientToken = '';
  clerk.__internal_onBeforeRequest(async (request) => {
    const emulated = new URL(emulator.frontend_api_url);
    request.url.protocol = emulated.protocol;
    request.url.host = emulated.host;
    request.url.searchParams.set('_is_native', '1');
    request.url.searchParams.set('__clerk_api_version', API_VERSION);
    request.headers.set('authorization', clientToken);
    request.credentials = 'omit';
  });
  clerk.__internal_onAfterResponse(async (_, response) => {
    clientToken = response?.headers.get('authorization') ?? clientToken;
  });
  await clerk.load({ standardBrowser: false, telemetry: false });
  return clerk;
}

async function signIn() {
  const clerk = await app();
  const { status, createdSessionId } = await clerk.client.signIn.create({
    strategy: 'password',
    identifier: 'ops@acme.example',
    password: 'correct horse',
  });
  assert.equal(status, 'complete');
  await clerk.setActive({ session: createdSessionId });
  return clerk;
}

const clerk = await signIn();
const token = await clerk.session.getToken();

test('a password sign-in makes a session with its user', () => {
  assert.match(clerk.session.id, /^sess_/);
  assert.equal(clerk.user.primaryEmailAddress.emailAddress, 'ops@acme.example');
  assert.deepEqual(clerk.user.organizationMemberships.map((membership) => membership.organization.slug), ['acme']);
});

test('a wrong password is refused with the code for it', async () => {
  const { client } = await app();
  const attempt = client.signIn.create({ strategy: 'password', identifier: 'ops@acme.example', password: 'wrong' });
  await assert.rejects(attempt, (error) => {
    assert.equal(error.errors[0].code, 'form_password_incorrect');
    return true;
  });
});

test('the session token verifies with the keys of the Backend API', async () => {
  const claims = await verifyToken(token, { apiUrl, secretKey });
  assert.equal(claims.sub, clerk.user.id);
  assert.equal(claims.sid, clerk.session.id);
  assert.equal(claims.iss, emulator.frontend_api_url);
});

test('a forged session token does not verify', async () => {
  const [header, , signature] = token.split('.');
  const payload = Buffer.from(JSON.stringify({ ...JSON.parse(atob(token.split('.')[1])), sub: 'user_x' }));
  const forged = [header, payload.toString('base64url'), signature].join('.');
  await assert.rejects(verifyToken(forged, { apiUrl, secretKey }), { reason: 'token-invalid-signature' });
});

test('keys are not for callers with another secret key', async () => {
  const stranger = { apiUrl, secretKey: 'sk_test_stranger', skipJwksCache: true };
  await assert.rejects(verifyToken(token, stranger), { reason: 'secret-key-invalid' });
});

test('a backend authenticates a request that carries the session token', async () => {
  const backend = createClerkClient({ apiUrl, secretKey, publishableKey, telemetry: { disabled: true } });
  const headers = { authorization: `Bearer ${token}` };
  const state = await backend.authenticateRequest(new Request('https://app.example/', { headers }));
  assert.equal(state.isAuthenticated, true);
  assert.equal(state.toAuth().userId, clerk.user.id);
});

test('an ended session gives no more tokens', async () => {
  const { session } = await signIn();
  await session.end();
  await assert.rejects(session.getToken({ skipCache: true }), (error) => {
    assert.equal(error.clerkError, true);
    return true;
  });
});
