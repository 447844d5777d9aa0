'use strict';
// tests/twilio_functions/test_twins.py proves that the core takes these tokens.
const assert = require('node:assert/strict');
const { test } = require('node:test');
const { mint, mac } = require('../assets/token.private');

const CLAIMS = { callSid: 'CA1', accountSid: 'AC1', flow: 'recéption', line: 'desk', persona: 'ava', attempt: 2 };

test('a token is a body and its MAC', () => {
  const [body, seal, ...rest] = mint('s', CLAIMS, 1_700_000_000_999, 'n1').split('.');
  assert.deepEqual(rest, []);
  const said =
    '{"sid":"CA1","acc":"AC1","flow":"recéption","line":"desk","per":"ava","try":2,"exp":1700000060,"n":"n1"}';
  assert.equal(Buffer.from(body, 'base64url').toString(), said);
  assert.equal(seal, mac('s', body));
  assert.match(body + seal, /^[\w-]+$/);
});

test('another secret, another MAC', () => {
  assert.notEqual(mint('s', CLAIMS, 0, 'n'), mint('t', CLAIMS, 0, 'n'));
});

for (const [secret, nonce] of [
  ['', 'n'],
  [undefined, 'n'],
  ['s', ''],
  ['s', undefined],
]) {
  test(`no token without a secret and a nonce: ${secret}, ${nonce}`, () => {
    assert.throws(() => mint(secret, CLAIMS, 0, nonce), TypeError);
  });
}
