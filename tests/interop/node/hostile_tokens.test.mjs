// Tokens made to deceive: does `jose` refuse what we refuse, and accept what we accept?
//
// `ILEAP_HOSTILE_TOKENS` names the file that the server's tests wrote. Every difference is in
// hostile-differences.json with its reason; one that is not, or is no more, fails.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { createLocalJWKSet, jwtVerify } from 'jose';

const hostile = JSON.parse(readFileSync(process.env.ILEAP_HOSTILE_TOKENS, 'utf8'));
const differences = JSON.parse(readFileSync(new URL('../hostile-differences.json', import.meta.url), 'utf8'));
const keys = createLocalJWKSet(hostile.jwks);
const options = {
  algorithms: ['RS256', 'ES256', 'EdDSA'],
  audience: hostile.audience,
  issuer: hostile.issuer,
  typ: hostile.typ,
  // What our tokens always have; `nbf` may be missing.
  requiredClaims: ['aud', 'client_id', 'exp', 'iat', 'iss', 'jti', 'roles', 'scope', 'sub'],
};

// A library may stumble over garbage in any way it likes, as long as it does not accept it.
const accepts = (token) => jwtVerify(token, keys, options).then(() => true, () => false);

test('jose judges as we do but for the differences we know', async () => {
  const cases = Object.values(differences).flatMap(Object.entries);
  const known = cases.filter(([, libraries]) => libraries.includes('jose')).map(([name]) => name);
  const found = new Map();
  for (const { name, token, expected } of hostile.tokens) {
    const accepted = await accepts(token);
    if (accepted !== (expected === 'valid')) found.set(name, accepted ? 'it accepts' : 'it refuses');
  }
  const fresh = [...found].filter(([name]) => !known.includes(name));
  assert.deepEqual(fresh, [], 'jose differs from us here: find out who is right, then write down why');
  const gone = known.filter((name) => !found.has(name));
  assert.deepEqual(gone, [], 'jose agrees with us here by now: take it out of the table');
  console.log(`jose: ${hostile.tokens.length} tokens, ${found.size} known differences`);
});
