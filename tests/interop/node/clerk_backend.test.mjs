// Clerk's own Backend SDK takes the emulator for Clerk: users, passwords, locks, organizations, sessions, limits, and
// the signatures of webhooks.

import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { createClerkClient, verifyToken } from '@clerk/backend';
import { verifyWebhook } from '@clerk/backend/webhooks';
import { start } from './ileap.mjs';

const directory = mkdtempSync(join(tmpdir(), 'ileap-clerk-backend-'));
after(() => rmSync(directory, { recursive: true }));
const usersFile = join(directory, 'users.toml');
writeFileSync(
  usersFile,
  `
[[user]]
email = "ops@acme.example"
password = "correct horse"
organization = "acme"
role = "operator"

[[user]]
username = "other"
password = "battery staple"
`,
);

const emulator = await start('clerk-emulator', '--users', usersFile);
const clerk = createClerkClient({ secretKey: emulator.secret_key, apiUrl: emulator.backend_api_url });
const [ops] = (await clerk.users.getUserList({ emailAddress: ['ops@acme.example'] })).data;

/** What the SDK says of a refused call: status and Clerk's code. */
const refusal = (status, code) => (error) => {
  assert.equal(error.status, status);
  assert.equal(error.errors[0].code, code);
  return true;
};

test('a user is found by exactly its address or name', async () => {
  const found = async (query) => (await clerk.users.getUserList(query)).data.map((user) => user.id);
  assert.deepEqual(await found({ emailAddress: ['ops@acme.example'] }), [ops.id]);
  assert.deepEqual(await found({ emailAddress: ['ops@acme'] }), []);
  assert.equal((await found({ username: ['other'] })).length, 1);
  assert.equal((await found({ limit: 1 })).length, 1);
  assert.equal(await clerk.users.getCount(), 2);
  assert.equal((await clerk.users.getUser(ops.id)).primaryEmailAddress.emailAddress, 'ops@acme.example');
  await assert.rejects(clerk.users.getUser('user_nobody'), refusal(404, 'resource_not_found'));
});

test('a password is verified, and a wrong one refused', async () => {
  assert.deepEqual(await clerk.users.verifyPassword({ userId: ops.id, password: 'correct horse' }), { verified: true });
  const wrong = clerk.users.verifyPassword({ userId: ops.id, password: 'wrong' });
  await assert.rejects(wrong, refusal(422, 'incorrect_password'));
});

test('a user is locked, unlocked, banned and unbanned', async () => {
  assert.equal((await clerk.users.lockUser(ops.id)).locked, true);
  assert.equal((await clerk.users.unlockUser(ops.id)).locked, false);
  assert.equal((await clerk.users.banUser(ops.id)).banned, true);
  assert.equal((await clerk.users.unbanUser(ops.id)).banned, false);
});

test('a user is made, changed and deleted', async () => {
  const made = await clerk.users.createUser({ emailAddress: ['new@acme.example'], password: 'quartz-Lantern-4711' });
  assert.equal((await clerk.users.verifyPassword({ userId: made.id, password: 'quartz-Lantern-4711' })).verified, true);
  const changed = await clerk.users.updateUser(made.id, { password: 'Lantern-quartz-1174', firstName: 'New' });
  assert.equal(changed.firstName, 'New');
  const old = clerk.users.verifyPassword({ userId: made.id, password: 'quartz-Lantern-4711' });
  await assert.rejects(old, refusal(422, 'incorrect_password'));
  await clerk.users.deleteUser(made.id);
  await assert.rejects(clerk.users.getUser(made.id), refusal(404, 'resource_not_found'));
});

test('memberships say organization and role', async () => {
  const { data, totalCount } = await clerk.users.getOrganizationMembershipList({ userId: ops.id });
  assert.equal(totalCount, 1);
  assert.deepEqual([data[0].organization.slug, data[0].role], ['acme', 'org:ileap_operator']);
});

test('an organization is made, found, changed, joined, left and deleted', async () => {
  const organization = await clerk.organizations.createOrganization({ name: 'Forwarder', slug: 'forwarder' });
  const organizationId = organization.id;
  assert.equal((await clerk.organizations.getOrganization({ slug: 'forwarder' })).id, organizationId);
  assert.equal((await clerk.organizations.getOrganization({ organizationId })).slug, 'forwarder');
  assert.equal((await clerk.organizations.updateOrganization(organizationId, { name: 'Carrier' })).name, 'Carrier');
  const slugs = (await clerk.organizations.getOrganizationList()).data.map(({ slug }) => slug);
  assert.ok(slugs.includes('acme') && slugs.includes('forwarder'));

  const member = { organizationId, userId: ops.id };
  const joined = await clerk.organizations.createOrganizationMembership({ ...member, role: 'org:ileap_user' });
  assert.equal(joined.role, 'org:ileap_user');
  const changed = await clerk.organizations.updateOrganizationMembership({ ...member, role: 'org:ileap_all' });
  assert.equal(changed.role, 'org:ileap_all');
  assert.equal((await clerk.organizations.getOrganizationMembershipList({ organizationId })).totalCount, 1);
  await clerk.organizations.deleteOrganizationMembership(member);
  assert.equal((await clerk.organizations.getOrganizationMembershipList({ organizationId })).totalCount, 0);
  await clerk.organizations.deleteOrganization(organizationId);
  const gone = clerk.organizations.getOrganization({ organizationId });
  await assert.rejects(gone, (error) => [403, 404].includes(error.status));
});

test('a sign-in token becomes a session, which is listed, verified and revoked', async () => {
  const { token } = await clerk.signInTokens.createSignInToken({ userId: ops.id, expiresInSeconds: 60 });
  const answer = await fetch(`${emulator.frontend_api_url}/v1/client/sign_ins?_is_native=1`, {
    method: 'POST',
    headers: { authorization: '' },
    body: new URLSearchParams({ strategy: 'ticket', ticket: token }),
  });
  const { response } = await answer.json();
  assert.equal(response.status, 'complete');
  const sessions = async () => (await clerk.sessions.getSessionList({ userId: ops.id, status: 'active' })).data;
  assert.deepEqual((await sessions()).map(({ id }) => id), [response.created_session_id]);

  const session = await clerk.sessions.getToken(response.created_session_id, '');
  const claims = await verifyToken(session.jwt, { secretKey: emulator.secret_key, apiUrl: emulator.backend_api_url });
  assert.equal(claims.sub, ops.id);

  assert.equal((await clerk.sessions.revokeSession(response.created_session_id)).status, 'revoked');
  assert.deepEqual(await sessions(), []);
});

test('a wrong secret key is told so', async () => {
  const stranger = createClerkClient({ secretKey: 'sk_test_stranger', apiUrl: emulator.backend_api_url });
  await assert.rejects(stranger.users.getCount(), refusal(401, 'clerk_key_invalid'));
});

test('beyond the limit of a development instance the SDK is told how long to wait', async () => {
  const busy = await start('clerk-emulator', '--users', usersFile);
  const client = createClerkClient({ secretKey: busy.secret_key, apiUrl: busy.backend_api_url });
  // 100 calls pass in ten seconds, which are counted by the clock: so it is asked until one such window is full.
  let refused = [];
  for (let round = 0; round < 50 && refused.length === 0; round += 1) {
    const calls = Array.from({ length: 50 }, () => client.users.getCount());
    refused = (await Promise.allSettled(calls)).filter(({ status }) => status === 'rejected');
  }
  assert.ok(refused.length >= 1);
  for (const { reason } of refused) {
    assert.equal(reason.status, 429);
    assert.ok(reason.retryAfter >= 1);
  }
});

/** A webhook as Svix delivers it. */
function delivered({ secret, body, sentAt = Math.floor(Date.now() / 1000) }) {
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  const signature = createHmac('sha256', key).update(`msg_1.${sentAt}.${body}`).digest('base64');
  const headers = { 'svix-id': 'msg_1', 'svix-timestamp': `${sentAt}`, 'svix-signature': `v1,${signature}` };
  return { headers, body };
}

const request = ({ headers, body }) => new Request('http://localhost/webhooks/clerk', { method: 'POST', headers, body });

test("the scheme by which webhooks are signed here is the one Clerk's SDK verifies", async () => {
  const secret = `whsec_${randomBytes(24).toString('base64')}`;
  const body = JSON.stringify({ type: 'user.updated', object: 'event', data: { id: ops.id, object: 'user' } });
  const good = delivered({ secret, body });
  const options = { signingSecret: secret };
  assert.equal((await verifyWebhook(request(good), options)).data.id, ops.id);
  const other = `whsec_${randomBytes(24).toString('base64')}`;
  for (const bad of [
    { ...good, body: body.replace('updated', 'deleted') },
    delivered({ secret: other, body }),
    delivered({ secret, body, sentAt: Math.floor(Date.now() / 1000) - 301 }),
  ]) {
    await assert.rejects(verifyWebhook(request(bad), options));
  }
});

test('a webhook that the emulator delivers is verified by the SDK', async () => {
  const receiver = createServer();
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  after(() => receiver.close());
  const url = `http://127.0.0.1:${receiver.address().port}/webhooks/clerk`;
  const telling = await start('clerk-emulator', '--users', usersFile, '--webhook-url', url);
  const client = createClerkClient({ secretKey: telling.secret_key, apiUrl: telling.backend_api_url });
  const [user] = (await client.users.getUserList({ username: ['other'] })).data;
  await client.users.banUser(user.id);

  const [incoming, answer] = await once(receiver, 'request');
  const chunks = [];
  for await (const chunk of incoming) chunks.push(chunk);
  answer.writeHead(204).end();
  const webhook = request({ headers: incoming.headers, body: Buffer.concat(chunks).toString() });
  const event = await verifyWebhook(webhook, { signingSecret: telling.webhook_signing_secret });
  assert.equal(event.type, 'user.updated');
  assert.deepEqual([event.data.id, event.data.banned], [user.id, true]);
});
