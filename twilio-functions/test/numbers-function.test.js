'use strict';
// The admin Function: who may use it, and that it changes nothing unless told to.
const assert = require('node:assert/strict');
const { after, before, beforeEach, test } = require('node:test');
const twilio = require('twilio');
const fakes = require('../../tests/fakes/twilio_api/server.js');
const { clientOf } = require('../../tests/fakes/twilio_api/sdk.js');
const { ask, flows } = require('./rig.js');

const SECRET = 'an-admin-secret-of-32-characters';
const WHO = { sid: `AC${'0'.repeat(32)}`, token: 'f'.repeat(32) };

const NO_WORDS = ['no', 'No', 'YES', 'Yes', 'true', '1', 'yes ', '', ['yes', 'yes'], undefined];

let server;
const state = {};
before(async () => {
  server = await fakes.listen(state); // one server; each test has its own account
});
beforeEach(() => {
  for (const key of Object.keys(state)) delete state[key];
  Object.assign(state, fakes.account(WHO));
  const owned = flows().flows.desk.numbers.filter((line) => line.number);
  fakes.seed(state, {
    numbers: Object.fromEntries(owned.map((line) => [line.number, {}])),
    sale: { '+14155550111': {} },
  });
});
after(() => server.close());

const sent = () => state.requests.filter((one) => one.method === 'POST');
const bought = () => state.numbers.some((one) => one.phone_number === '+14155550111');

async function post(form = {}, { secret = SECRET, header = `Bearer ${SECRET}`, client, env: more, ...given } = {}) {
  const env = { ...more, ADMIN_SECRET: secret, getTwilioClient: () => client ?? clientOf(twilio, state, server.port) };
  const request = { headers: { authorization: header } };
  const { status, body } = await ask('numbers', { request, ...form }, { env, ...given });
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

test('nothing but the word applies', async () => {
  for (const apply of NO_WORDS) {
    const { said } = await post({ apply, buy: 'yes', 'take-over': 'yes' });
    assert.deepEqual([Object.keys(said), sent()], [['plan'], []], JSON.stringify(apply));
  }
});

test('nothing but the word buys', async () => {
  for (const buy of NO_WORDS) {
    const { left } = (await post({ apply: 'yes', buy })).said;
    assert.deepEqual([left.map((one) => one.why), bought()], [['buying needs --buy'], false], JSON.stringify(buy));
  }
});

test("nothing but the word takes another deployment's number over, and the rest is done", async () => {
  const [number] = state.numbers;
  state.numbers[0] = { ...number, friendly_name: 'gw:desk/bare', voice_url: 'https://gw-1234.twil.io/voice' };
  for (const word of NO_WORDS) {
    const { left } = (await post({ apply: 'yes', buy: 'yes', 'take-over': word, take_over: 'yes' })).said;
    assert.deepEqual(
      left.map(({ kind, line }) => [kind, line]),
      [['elsewhere', 'desk/bare']],
      JSON.stringify(word),
    );
    assert.match(left[0].why, / another deployment of ours: it needs --take-over$/);
    assert.equal(state.numbers[0].voice_url, 'https://gw-1234.twil.io/voice');
  }
  assert.equal((await post()).said.plan.counts.noop, 8);
  const { done, left } = (await post({ apply: 'yes', 'take-over': 'yes' })).said;
  assert.deepEqual([done.length, done[0].kind, left], [1, 'elsewhere', []]);
  assert.equal(state.numbers[0].voice_url, 'https://gw-1234-dev.twil.io/voice');
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

const NO_CALLER_GETS_THERE = {
  'local Functions and core': { DOMAIN_NAME: 'localhost:3000', CORE_URL: 'http://127.0.0.1:8080' },
  'local Functions': { DOMAIN_NAME: 'localhost:3000' },
  'a local core, though Functions are deployed': { CORE_URL: 'http://127.0.0.1:8080' },
  'a core in a private network': { CORE_URL: 'https://10.0.0.8' },
};
for (const [where, env] of Object.entries(NO_CALLER_GETS_THERE)) {
  test(`no number is pointed at ${where}, and none is bought`, async () => {
    const { status, said } = await post({ apply: 'yes', buy: 'yes', 'take-over': 'yes' }, { env });
    assert.deepEqual([status, Object.keys(said), state.requests], [502, ['error'], []]);
    assert.match(said.error, /^(Functions|CORE_URL): Twilio can't reach a machine or network of one's own: /);
  });
}

test('what the operator left out is said in words, and Twilio is not asked', async () => {
  for (const [given, words] of [
    [{ artefact: null }, 'there is no assets/flows.private.json: run gateway compile'],
    [{ env: { CORE_URL: ' ' } }, 'CORE_URL is not set: it takes the https:// address of the core'],
    [{ env: { STREAM_SECRET: '' } }, 'STREAM_SECRET is not set'],
  ]) {
    assert.deepEqual(await post({ apply: 'yes' }, given), { status: 502, said: { error: words } });
  }
  assert.deepEqual(state.requests, []);
});

test('the core is named as calls name it', async () => {
  await post({ apply: 'yes' }, { env: { CORE_URL: ' https://core.example// ' } });
  assert.equal(state.numbers[0].voice_fallback_url, 'https://core.example/twiml');
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

/** A client whose requests `answers(nth, method)` lets through, and otherwise leaves without an answer for ever.
 *  `silent` is kept when the first is left so. */
function quiet(answers) {
  const client = clientOf(twilio, state, server.port);
  const through = client.httpClient.request;
  let nth = 0;
  client.silent = new Promise((resolve) => {
    client.httpClient.request = (options) => {
      nth += 1;
      if (answers(nth, options.method)) return through(options);
      resolve();
      return new Promise(() => {});
    };
  });
  return client;
}

/** An answer, or null where there is none once what could go on has gone on. */
async function byNow(answer) {
  const nothing = new Promise((resolve) => {
    setImmediate(() => setImmediate(resolve, null));
  });
  return Promise.race([answer, nothing]);
}

test('an account that stays silent is waited for 7 s, of the 10 s that a Function has', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  for (const form of [{}, { apply: 'yes' }]) {
    const client = quiet(() => false);
    const answer = post(form, { client });
    await client.silent;
    t.mock.timers.tick(6999);
    assert.equal(await byNow(answer), null);
    t.mock.timers.tick(1);
    const { status, said } = await byNow(answer);
    assert.deepEqual([status, said], [502, { error: 'Twilio did not answer in time: run it again' }]);
  }
});

test('an account that falls silent after 4 s and one number has 3 s more: what is done and left is said', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  let posts = 0;
  const client = quiet((nth, method) => {
    if (method.toUpperCase() === 'POST') posts += 1;
    if (posts === 1) t.mock.timers.tick(4000);
    return posts < 2;
  });
  const answer = post({ apply: 'yes', buy: 'yes' }, { client });
  await client.silent;
  t.mock.timers.tick(2999);
  assert.equal(await byNow(answer), null);
  t.mock.timers.tick(1);
  const { status, said } = await byNow(answer);
  assert.deepEqual([status, said.done.length, said.left.length, posts], [200, 1, 8, 2]);
  assert.equal(said.stopped, 'Twilio did not answer in time: run it again');
  assert.equal((await post({ apply: 'yes', buy: 'yes' })).said.done.length, 8);
});
