'use strict';
// The admin Function: who may use it, and that it changes nothing unless told to.
const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const twilio = require('twilio');
const fakes = require('../../tests/fakes/twilio_api/server.js');
const { clientOf } = require('../../tests/fakes/twilio_api/sdk.js');
const { ask, flows } = require('./rig.js');

const SECRET = 'an-admin-secret-of-32-characters';
const WHO = { sid: `AC${'0'.repeat(32)}`, token: 'f'.repeat(32) };

let server;
let state;
before(async () => {
  state = fakes.account(WHO);
  const owned = flows().flows.desk.numbers.filter((line) => line.number);
  fakes.seed(state, {
    numbers: Object.fromEntries(owned.map((line) => [line.number, {}])),
    sale: { '+14155550111': {} },
  });
  server = await fakes.listen(state);
});
after(() => server.close());

async function post(form = {}, { secret = SECRET, header = `Bearer ${SECRET}` } = {}) {
  const env = { ADMIN_SECRET: secret, getTwilioClient: () => clientOf(twilio, state, server.port) };
  const { status, body } = await ask('numbers', { request: { headers: { authorization: header } }, ...form }, { env });
  return { status, said: body };
}

test('without the secret nobody gets in, and Twilio is not asked', async () => {
  const headers = ['', 'Bearer x', SECRET, `Basic ${SECRET}`, `Bearer ${SECRET}x`];
  const unset = [null, '', 'x'.repeat(31)].map((secret) => ({ secret, header: `Bearer ${secret ?? ''}` }));
  for (const stranger of [...headers.map((header) => ({ header })), ...unset]) {
    assert.equal((await post({ apply: 'yes' }, stranger)).status, 401, JSON.stringify(stranger));
  }
  assert.deepEqual(state.requests, []);
});

test('a dry run says what would change and changes nothing', async () => {
  const { status, said } = await post();
  assert.equal(status, 200);
  assert.equal(said.plan.counts.update, 8);
  assert.equal(said.plan.counts.buy, 1);
  assert.ok(state.requests.every((one) => one.method === 'GET'));
});

test('told to, it applies; told to buy, it buys; then there is nothing to do', async () => {
  const first = (await post({ apply: 'yes' })).said;
  assert.deepEqual([first.done.length, first.left.map((one) => one.why)], [8, ['buying needs --buy']]);
  assert.deepEqual(
    (await post({ apply: 'yes', buy: 'yes' })).said.done.map((one) => one.number),
    ['+14155550111'],
  );
  assert.equal((await post({ apply: 'yes', buy: 'yes' })).said.plan.counts.noop, 9);
});

test('what Twilio refuses is said in words', async () => {
  state.refusals.push({
    method: 'GET',
    path: 'IncomingPhoneNumbers',
    status: 401,
    body: { code: 20003, message: 'Authenticate' },
  });
  const { status, said } = await post();
  assert.equal(status, 502);
  assert.match(said.error, /does not accept the credentials/);
});
