'use strict';
const assert = require('node:assert/strict');
const { test } = require('node:test');
const { locales, others } = require('../../tests/contract/say.json');
const { locale } = require('../assets/say.private');

test('every locale of Twilio is itself', () => {
  assert.deepEqual(locales.map(locale), locales);
});

for (const [code, expected] of Object.entries(others)) {
  test(`contract: ${code} is read as ${expected || 'Twilio likes'}`, () => assert.equal(locale(code), expected));
}
