'use strict';
const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');
const { readSpecializedConfig } = require('twilio-run/dist/config/global');
const { dependencies, scripts } = require('../package.json');
const { ROOT } = require('./rig');

function check(GATEWAY) {
  return spawnSync('node', ['scripts/check.js'], { cwd: ROOT, env: { ...process.env, GATEWAY }, encoding: 'utf8' });
}

/** A gateway that tells how it was run, and fails so. */
function gateway(status) {
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'gateway-')), 'gateway');
  fs.writeFileSync(file, `#!/bin/sh\necho "$PWD $*"\nexit ${status}\n`, { mode: 0o755 });
  return file;
}

test('npm run deploy checks first', () => {
  assert.equal(scripts.predeploy, scripts.check);
});

for (const status of [0, 1, 2]) {
  test(`a deploy goes on only with a current artefact (${status})`, () => {
    const file = gateway(status);
    const found = check(file);
    fs.rmSync(path.dirname(file), { recursive: true });
    assert.deepEqual([found.status, found.stdout], [status, `${path.dirname(ROOT)} compile --check\n`]);
  });
}

test('without the gateway nothing is deployed', () => {
  const { status, stderr } = check('/nowhere/gateway');
  assert.equal(status, 1);
  assert.match(stderr, /install it, or name it in GATEWAY/);
});

test('a plain `twilio serverless:deploy` takes node22 as well', () => {
  assert.equal(readSpecializedConfig(ROOT, '.twilioserverlessrc', 'deploy', {}).runtime, 'node22');
});

test('what is uploaded is pinned', () => {
  for (const [name, version] of Object.entries(dependencies)) assert.match(version, /^\d+\.\d+\.\d+$/, name);
});
