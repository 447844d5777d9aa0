'use strict';
// What stands in functions/: short doors. What they do is in assets, where tests reach it.
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { ROOT } = require('./rig');

const LONGEST = 40; // lines
const FOLDER = path.join(ROOT, 'functions');
const files = fs
  .readdirSync(FOLDER, { recursive: true })
  .filter((name) => fs.statSync(path.join(FOLDER, name)).isFile());

test('there are Functions', () => assert.ok(files.includes('voice.protected.js')));

for (const name of files) {
  const text = fs.readFileSync(path.join(FOLDER, name), 'utf8');

  test(`${name} is short and gives one handler`, () => {
    assert.ok(text.trimEnd().split('\n').length <= LONGEST, `more than ${LONGEST} lines: put it into assets/`);
    assert.deepEqual(text.match(/\bexports\b[^=]*/g), ['exports.handler ']);
  });

  test(`${name} takes what it does from assets`, () => {
    const taken = [...text.matchAll(/require\(([^()]*)/g)].map(([, from]) => from);
    assert.ok(taken.some((from) => from.startsWith('Runtime.getAssets')), 'no asset is called');
    for (const from of taken) assert.match(from, /^(Runtime\.getAssets|'node:)/);
  });
}
