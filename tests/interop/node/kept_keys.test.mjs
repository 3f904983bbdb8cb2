// `jose` with a remote key set that it keeps for all of its max-age, over three rotations: it never meets a key that it
// does not have. With a key published 10 s before it signs, the set may be kept for 5 s.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { ALGORITHM } from './ileap.mjs';

const SECRET = 'quartz+Lantern 4711 and more';
const ROTATIONS = 3;

async function freeAddress() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return `127.0.0.1:${port}`;
}

function settings(directory, address) {
  const privately = (name, text) => {
    writeFileSync(join(directory, name), text, { mode: 0o600 });
    return join(directory, name);
  };
  const hash = execFileSync(process.env.ILEAP, ['hash-secret'], { input: SECRET, encoding: 'utf8' }).trim();
  return {
    ILEAP_VERIFIER__KIND: 'static_users',
    ILEAP_VERIFIER__STATIC_USERS__FILE: privately(
      'users.toml',
      `[[user]]\nclient_id = "acme"\nsecret_hash = "${hash}"\nrole = "all"\n`,
    ),
    ILEAP_LISTENER__BIND: address,
    ILEAP_LISTENER__ADMIN_BIND: '127.0.0.1:0',
    ILEAP_KEYS__DIRECTORY: join(directory, 'keys'),
    ILEAP_KEYS__PUBLISH_BEFORE: '10s',
    ILEAP_STORE__URL: `sqlite:${join(directory, 'ileap.db')}`,
    ILEAP_TOKEN__REUSE: 'false',
    ILEAP_TOKEN__ALGORITHM: ALGORITHM,
    ILEAP_LOG__LEVEL: 'warn',
  };
}

async function maxAge(url) {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    try {
      const { headers } = await fetch(url);
      return Number(/max-age=(\d+)/.exec(headers.get('cache-control'))[1]);
    } catch {
      await pause(50);
    }
  }
  throw new Error('the server does not answer');
}

test('a key set kept for all of its max-age verifies every token over three rotations', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'ileap-'));
  const address = await freeAddress();
  const env = settings(directory, address);
  const keys = (...args) =>
    JSON.parse(execFileSync(process.env.ILEAP, ['keys', ...args, '--json'], { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  const server = spawn(process.env.ILEAP, ['serve'], { env, stdio: 'ignore' });
  const base = `http://${address}`;
  try {
    const kept = (await maxAge(`${base}/jwks`)) * 1000;
    assert.equal(kept, 5000);
    // An unknown key does not make it ask again.
    const set = createRemoteJWKSet(new URL(`${base}/jwks`), { cacheMaxAge: kept, cooldownDuration: 3_600_000 });
    const verify = (token) => jwtVerify(token, set, { algorithms: [ALGORITHM], audience: base, issuer: base, typ: 'at+jwt' });
    const authorization = `Basic ${Buffer.from(`acme:${SECRET}`).toString('base64')}`;
    const signers = new Set();
    const tokens = [];
    for (let rotation = 0; rotation <= ROTATIONS; rotation += 1) {
      const signer = rotation === 0 ? keys('list').keys[0].kid : keys('rotate').kid;
      while (!signers.has(signer)) {
        const body = new URLSearchParams({ grant_type: 'client_credentials' });
        const answer = await fetch(`${base}/auth/token`, { method: 'POST', headers: { authorization }, body });
        const token = (await answer.json()).access_token;
        tokens.push(token);
        await verify(token);
        await verify(tokens[Math.floor(tokens.length / 3)]);
        signers.add(decodeProtectedHeader(token).kid);
        await pause(20);
      }
    }
    assert.equal(signers.size, ROTATIONS + 1);
  } finally {
    const exit = once(server, 'exit');
    server.kill('SIGTERM');
    await exit;
    rmSync(directory, { recursive: true });
  }
});
