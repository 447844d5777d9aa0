'use strict';
const assert = require('node:assert/strict');
const { test } = require('node:test');
const { base, cases } = require('../../tests/contract/twiml.json');
const { ofRoute, ofNext, stream, fallback, sorry } = require('../assets/twiml.private');

for (const { name, route, next, context, xml } of cases) {
  test(`contract: ${name}`, () => {
    const place = { ...base, ...context };
    assert.equal(route ? ofRoute(route, place) : ofNext(next, place), xml);
  });
}

test('a parameter stays below 500 characters', () => {
  assert.match(stream({ ...base, token: 'x'.repeat(494) }), /x{494}/);
  assert.throws(() => stream({ ...base, token: 'x'.repeat(495) }), /the parameter token is too long for Twilio/);
});

test('words are cut where Twilio would refuse them', () => {
  const announcement = { say: '😀'.repeat(5000), then: 'hangup', to: '' };
  assert.equal([...ofRoute({ outcome: 'announce', announcement }, base).matchAll(/😀/gu)].length, 4096);
});

test('the last words need to know nothing', () => {
  assert.equal(fallback(null), sorry());
});
