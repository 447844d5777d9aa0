'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');

const { country, lookup, route, withheld } = require('../assets/route.private.js');

const ROOT = path.join(__dirname, '..', '..');
const CONTRACT = path.join(ROOT, 'tests', 'contract');
const read = (...parts) => JSON.parse(fs.readFileSync(path.join(...parts), 'utf8'));

/** As gateway.flow.countries.calling_codes. */
const plan = read(ROOT, 'gateway', 'flow', 'countries.json');
const callingCodes = Object.fromEntries(
  Object.entries(plan).flatMap(([name, prefixes]) => prefixes.map((digits) => [digits, name]))
);
const files = fs.readdirSync(CONTRACT).filter((name) => /^route-.*\.json$/.test(name));
const contracts = files.map((file) => {
  const { artefact, cases } = read(CONTRACT, file);
  return { file, cases, artefact: { ...artefact, calling_codes: callingCodes } };
});

function one(file) {
  return contracts.find((contract) => contract.file === file).artefact;
}

for (const { file, artefact, cases } of contracts) {
  for (const { name, flow, line, at, from, usage, expect } of cases) {
    test(`${file}: ${name}`, () => {
      assert.deepStrictEqual(route(artefact, flow, line, Date.parse(at), from, usage), expect);
    });
  }
}

test('there are cases', () => {
  const count = contracts.reduce((sum, { cases }) => sum + cases.length, 0);
  assert.ok(count >= 300, `${count} cases`);
});

test('a dialled number leads to its line', () => {
  for (const { artefact } of contracts) {
    for (const [number, [flow, line]] of Object.entries(artefact.lines)) {
      assert.deepStrictEqual(lookup(artefact, number), { flow, line });
    }
  }
});

test('a number nobody owns, and names that every object has, lead nowhere', () => {
  const artefact = one('route-hours.json');
  for (const to of ['+10000000000', '', undefined, 'constructor', '__proto__', 'toString']) {
    assert.equal(lookup(artefact, to), null);
  }
});

test('a flow or a line that is not there is an error', () => {
  const artefact = one('route-hours.json');
  for (const [flow, line] of [['front', 'nobody'], ['nobody', 'desk'], ['constructor', 'desk'], ['__proto__', 'desk']]) {
    assert.throws(() => route(artefact, flow, line, 0, ''), RangeError);
  }
});

test('the longest calling code counts', () => {
  const artefact = { calling_codes: { 1: 'US', 1604: 'CA', 44: 'GB', 4479111: 'GG' } };
  const numbers = ['+14155550199', '+16045550199', '+16', '+447911112345', '+447911212345', '+999', '', '+266696687'];
  assert.deepStrictEqual(
    numbers.map((number) => country(artefact, number)),
    ['US', 'CA', 'US', 'GG', 'GB', '', '', '']
  );
});

test('whoever shows no number is withheld', () => {
  for (const from of ['', undefined, null, 'anonymous', '14155550199', '+1415x', '+1\n', 'sip:ann@example.com']) {
    assert.ok(withheld(from), String(from));
  }
  assert.ok(!withheld('+14155550199'));
});

test('route changes nothing of the artefact', () => {
  const artefact = one('route-holidays.json');
  const before = JSON.stringify(artefact);
  route(artefact, 'shop', 'shop', Date.parse('2026-12-24T10:00:00-06:00'), '+14155550199');
  assert.equal(JSON.stringify(artefact), before);
});

test('a call is routed at once', () => {
  const artefact = one('route-holidays.json');
  const at = Date.parse('2026-12-24T10:00:00-06:00');
  const count = 2000;
  const begun = process.hrtime.bigint();
  for (let n = 0; n < count; n += 1) route(artefact, 'shop', 'shop', at, '+14155550199');
  const each = Number(process.hrtime.bigint() - begun) / 1e6 / count;
  assert.ok(each < 1, `${each} ms a call`); // some 0.005 ms; a formatter made anew each time takes 0.1
});
