// What is under test: a command of `ileap` that prints one line of JSON once it is ready.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after } from 'node:test';

export const ALGORITHM = process.env.ILEAP_TOKEN__ALGORITHM ?? 'RS256';
export const DEMO_ID = 'ileap-demo@way.cloud';
export const DEMO_SECRET = 'HelloPrimaryData';

/** Starts `ileap` with these arguments, and stops it when the tests of the calling file are over. */
export async function start(...args) {
  const child = spawn(process.env.ILEAP, [...args, '--port', '0', '--json'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exit = once(child, 'exit');
  after(async () => {
    child.kill('SIGTERM');
    await exit;
  });
  const early = exit.then(([status]) => {
    throw new Error(`ileap ${args.join(' ')} ended with ${status} before it was ready`);
  });
  const [line] = await Promise.race([once(createInterface(child.stdout), 'line'), early]);
  early.catch(() => {});
  return JSON.parse(line);
}
