'use strict';
// Against a stateful fake of Twilio (tests/fakes): what is bought and changed, whatever breaks between.
const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const twilio = require('twilio');
const plans = require('../assets/numbers-plan.private.js');
const numbers = require('../assets/numbers-account.private.js');
const print = require('../numbers/print.js');
const fakes = require('../../tests/fakes/twilio_api/server.js');
const { clientOf } = require('../../tests/fakes/twilio_api/sdk.js');

const SID = `AC${'0'.repeat(32)}`;
const TOKEN = 'f'.repeat(32);
const SALE = { '+14155550111': {}, '+14155550112': {}, '+14155550113': {}, '+14085550114': {} };
const SEARCH = { country: 'US', type: 'local', area_code: '415', contains: '' };
const APP = `AP${'a'.repeat(32)}`;
const TRUNK = `TK${'b'.repeat(32)}`;
const OURS = 'https://gw-dev.twil.io/voice';
const ALL = { buy: true, takeOver: true };

class Crash extends Error {}

function lines(...more) {
  const numbers = [
    { label: 'desk', number: '+14155550100', search: null, hours: '', fallback: null, regulatory: {} },
    { label: 'more', number: '', search: SEARCH, hours: '', fallback: null, regulatory: {} },
    ...more,
  ];
  const artefact = {
    format: 1,
    hash: 'f00d',
    flows: { clinic: { name: 'clinic', numbers, hours: {} } },
    calling_codes: { 1: 'US', 33: 'FR' },
  };
  return plans.desired(artefact, { domain: 'gw-dev.twil.io', core: 'https://core.example.com' });
}

let server;
let state;
before(async () => {
  state = {};
  server = await fakes.listen(state); // one server; each test puts its own account into it
});
after(() => server.close());

function account(seed = {}) {
  for (const key of Object.keys(state)) delete state[key];
  Object.assign(state, fakes.account({ sid: SID, token: TOKEN }));
  fakes.seed(state, { numbers: { '+14155550100': {} }, sale: SALE, ...seed });
}

function run(want = lines(), { crash, allowed = ALL, sleep = async () => {}, left = () => Infinity } = {}) {
  return numbers.apply(clientOf(twilio, state, server.port, crash), plans, want, { allowed, pace: { sleep, left } });
}

const owned = () => state.numbers.map((one) => [one.phone_number, one.friendly_name]);
const sent = (method) => state.requests.filter((one) => one.method === method);

test('the numbers become what the flows say, and a second run changes nothing', async () => {
  account();
  const first = await run();
  assert.deepEqual(
    first.done.map(({ kind, number }) => [kind, number]),
    [
      ['update', '+14155550100'],
      ['buy', '+14155550111'],
    ],
  );
  assert.deepEqual(first.left, []);
  assert.deepEqual(owned(), [
    ['+14155550100', 'gw:clinic/desk'],
    ['+14155550111', 'gw:clinic/more'],
  ]);
  assert.equal(state.numbers[1].voice_url, 'https://gw-dev.twil.io/voice?line=clinic/more');
  assert.equal(state.numbers[1].voice_fallback_url, 'https://core.example.com/twiml?line=clinic/more');
  state.requests = [];
  const second = await run();
  assert.equal(second.plan.counts.noop, 2);
  assert.deepEqual(second.done, []);
  assert.deepEqual(sent('POST'), []);
});

test('without the word for it nothing is bought, and the rest is done', async () => {
  account();
  const { done, left } = await run(lines(), { allowed: { buy: false } });
  assert.deepEqual(
    done.map((one) => one.kind),
    ['update'],
  );
  assert.deepEqual(
    left.map((one) => one.why),
    ['buying needs --buy'],
  );
  assert.equal(state.numbers.length, 1);
});

test('a shadow is cleared, after the URLs are right', async () => {
  account({ numbers: { '+14155550100': { friendly_name: 'gw:clinic/desk', voice_application_sid: APP } }, sale: {} });
  const { done } = await run();
  assert.deepEqual(
    done.map((one) => one.kind),
    ['drift', 'shadowed'],
  );
  assert.equal(state.numbers[0].voice_application_sid, '');
  assert.equal(state.numbers[0].voice_url, 'https://gw-dev.twil.io/voice');
});

for (const [name, theirs] of Object.entries({
  'of a line': { friendly_name: 'gw:clinic/desk', voice_application_sid: APP },
  'that is taken over': { friendly_name: 'Sales', trunk_sid: TRUNK },
  'of another deployment': { friendly_name: 'gw:clinic/desk', voice_url: 'https://gw.twil.io/voice', trunk_sid: TRUNK },
})) {
  test(`a shadow stays where Twilio refuses the URLs under it: a number ${name}`, async () => {
    const other = { label: 'other', number: '+14155550101', search: null, hours: '', fallback: null, regulatory: {} };
    account({ numbers: { '+14155550100': theirs, '+14155550101': { trunk_sid: TRUNK } }, sale: {} });
    const before = { ...state.numbers[0] };
    const path = `IncomingPhoneNumbers/${state.numbers[0].sid}`;
    state.refusals = [{ method: 'POST', path, status: 400, body: { code: 21649, message: 'Bundle required' } }];
    const { done, left, stopped } = await run(lines(other));
    assert.deepEqual([left.map((one) => one.sid), stopped], [[state.numbers[0].sid, state.numbers[0].sid], '']);
    assert.match(left[0].why, /^this number takes a regulatory bundle /);
    assert.equal(left[1].kind, 'shadowed');
    assert.match(left[1].why, /^its URLs are not right yet/);
    assert.deepEqual(state.numbers[0], before);
    assert.deepEqual(
      done.map(({ kind, line }) => [kind, line]),
      [
        ['update', 'clinic/other'],
        ['shadowed', 'clinic/other'],
      ],
    );
    state.refusals = [];
    await run(lines(other));
    const { voice_application_sid, trunk_sid, voice_url } = state.numbers[0];
    assert.deepEqual([voice_application_sid || '', trunk_sid || '', voice_url], ['', '', OURS]);
  });
}

test("somebody else's number stays as it is without the second word", async () => {
  account({ numbers: { '+14155550100': { friendly_name: 'Sales', voice_url: 'https://sales.example/' } }, sale: {} });
  const { left } = await run(lines(), { allowed: { buy: true } });
  assert.match(left[0].why, /^\+14155550100 answers at sales\.example today .*: it needs --take-over$/);
  assert.equal(state.numbers[0].voice_url, 'https://sales.example/');
  const { done } = await run();
  assert.equal(done[0].kind, 'update');
});

test('a number that another deployment answers stays there without the second word, and the rest is done', async () => {
  const theirs = {
    friendly_name: 'gw:clinic/desk',
    voice_url: 'https://gw.twil.io/voice',
    voice_fallback_url: 'https://core.example.com/twiml',
  };
  account({ numbers: { '+14155550100': theirs } });
  const { plan, done, left } = await run(lines(), { allowed: { buy: true } });
  assert.deepEqual(
    [done, left].map((some) => some.map(({ kind, line }) => [kind, line])),
    [[['buy', 'clinic/more']], [['elsewhere', 'clinic/desk']]],
  );
  assert.equal(
    print.resultText({ plan, done, left, stopped: '' }),
    [
      'done  buy clinic/more +14155550111',
      'left  elsewhere clinic/desk +14155550100: +14155550100 answers at gw.twil.io today, another deployment of ours: ' +
        'it needs --take-over',
      '1 done, 1 left, 0 to put right by hand',
    ].join('\n'),
  );
  assert.equal(state.numbers[0].voice_url, 'https://gw.twil.io/voice');
  await run(lines(), { allowed: { takeOver: true } });
  assert.equal(state.numbers[0].voice_url, 'https://gw-dev.twil.io/voice');
});

test('a number that receives faxes receives calls afterwards; one without voice is said, and not touched', async () => {
  const mute = { capabilities: { voice: false, sms: true, mms: false, fax: false } };
  account({ numbers: { '+14155550100': { voice_receive_mode: 'fax' }, '+14155550122': mute }, sale: {} });
  const line = { label: 'z', number: '+14155550122', search: null, hours: '', fallback: null, regulatory: {} };
  const first = await run(lines(line));
  assert.deepEqual(first.done[0].fields.voiceReceiveMode, ['fax', 'voice']);
  assert.deepEqual([sent('POST').length, sent('POST')[0].form.VoiceReceiveMode], [1, 'voice']);
  const { counts } = (await run(lines(line))).plan;
  assert.deepEqual([counts.noop, counts.voiceless], [1, 1]);
});

test('only numbers that take calls are looked for', async () => {
  account();
  await run();
  const [search] = sent('GET').filter((one) => one.path.includes('/AvailablePhoneNumbers/'));
  assert.equal(search.query.VoiceEnabled, 'true');
});

test('credentials that Twilio refuses in the middle stop the run, with what to do', async () => {
  for (const body of [{ code: 20003, message: 'Authenticate' }, {}]) {
    account();
    state.refusals = [{ method: 'POST', path: 'IncomingPhoneNumbers', status: 401, body }];
    const { done, left, stopped } = await run();
    assert.match(stopped, /^Twilio does not accept the credentials: check TWILIO_ACCOUNT_SID and /);
    assert.deepEqual([done, left.map((one) => one.why), sent('POST').length], [[], [stopped, stopped], 1]);
  }
});

test('killed before or after any request, the next run finishes: one number bought, then all no-op', async () => {
  account();
  await run();
  const requests = state.requests.length;
  for (let nth = 1; nth <= requests; nth += 1) {
    for (const when of ['before', 'after']) {
      account();
      const die = (at) => {
        if (at.nth === nth && at.when === when) throw new Crash();
      };
      await assert.rejects(run(lines(), { crash: die }), Crash);
      await run();
      assert.deepEqual(
        owned(),
        [
          ['+14155550100', 'gw:clinic/desk'],
          ['+14155550111', 'gw:clinic/more'],
        ],
        `${when} ${nth}`,
      );
      assert.equal((await run()).plan.counts.noop, 2);
    }
  }
  assert.ok(requests >= 5, 'look, shop, update, look again, buy');
});

test('a number bought by somebody between our look and our purchase is found: no second one', async () => {
  account();
  const rival = ({ nth, when }) => {
    if (nth !== 4 || when !== 'before') return; // the list right before the purchase
    fakes.seed(state, { numbers: { '+14155550112': { friendly_name: 'gw:clinic/more' } } });
  };
  const { done } = await run(lines(), { crash: rival });
  assert.deepEqual(
    done.map(({ kind, number }) => [kind, number]),
    [
      ['update', '+14155550100'],
      ['buy', ''],
    ],
  );
  assert.deepEqual(
    state.numbers.map((one) => one.phone_number),
    ['+14155550100', '+14155550112'],
  );
});

test('a number that has just gone: the next one is bought', async () => {
  account({ sale: { '+14155550111': { gone: true }, '+14155550112': {} } });
  assert.equal((await run()).done[1].number, '+14155550112');
});

test('all of them gone: it says so, and buys none', async () => {
  account({ sale: { '+14155550111': { gone: true } } });
  const { left, stopped } = await run();
  assert.match(left[0].why, /21422/);
  assert.equal(stopped, '');
  assert.equal(state.numbers.length, 1);
});

test('an account with more numbers than a page holds is read to its end', async () => {
  const many = Object.fromEntries(
    Array.from({ length: 1003 }, (_, n) => [`+1415556${String(n).padStart(4, '0')}`, {}]),
  );
  account({ numbers: { ...many, '+14155550100': {} }, sale: {} });
  assert.equal((await run()).done[0].number, '+14155550100');
  assert.equal(sent('GET').filter((one) => one.path.endsWith('/IncomingPhoneNumbers.json')).length, 2);
});

test('a bundle that Twilio has not approved is said in words, and the other lines are done', async () => {
  account({ sale: { '+14155550111': { bundle: `BU${'1'.repeat(32)}` } } });
  const { done, left } = await run();
  assert.deepEqual(
    done.map((one) => one.kind),
    ['update'],
  );
  assert.match(left[0].why, /regulatory bundle that Twilio has approved: name regulatory\.bundle_sid/);
});

test('a country that sells no such number is not an error but unavailable', async () => {
  account();
  const line = {
    label: 'paris',
    number: '',
    search: { ...SEARCH, country: 'FR' },
    hours: '',
    fallback: null,
    regulatory: {},
  };
  const { plan } = await run(lines(line));
  assert.deepEqual(
    plan.changes.filter((one) => one.kind === 'unavailable').map((one) => one.line),
    ['clinic/paris'],
  );
});

test('wrong credentials stop before anything is changed', async () => {
  account();
  state.token = 'e'.repeat(32);
  const wrong = clientOf(twilio, { ...state, token: TOKEN }, server.port);
  const failure = await numbers.apply(wrong, plans, lines(), { allowed: ALL }).catch((error) => error);
  assert.match(numbers.words(failure), /does not accept the credentials/);
  assert.deepEqual(sent('POST'), []);
});

test('429 is waited for as long as Twilio asks, up to a bound, and a few times only', async () => {
  account();
  const slow = { method: 'GET', path: 'IncomingPhoneNumbers', status: 429, body: { code: 20429 } };
  state.refusals = [{ ...slow, headers: { 'Retry-After': '3' } }, { ...slow, headers: { 'Retry-After': '900' } }, slow];
  const slept = [];
  const { done } = await run(lines(), {
    sleep: async (ms) => {
      slept.push(ms);
    },
  });
  assert.equal(done.length, 2);
  assert.deepEqual(slept, [3000, 10000, 4000]);
  account();
  state.refusals = [{ method: 'POST', path: '.', status: 429, body: {}, times: 100 }];
  const { left, stopped } = await run();
  assert.match(stopped, /too many requests/);
  assert.equal(left.length, 2);
  assert.equal(sent('POST').length, 4);
});

test('Twilio breaking in the middle stops the run; the next one finishes', async () => {
  account();
  state.refusals = [{ method: 'POST', path: 'IncomingPhoneNumbers', status: 503, body: { message: 'unavailable' } }];
  const { left, stopped } = await run();
  assert.match(stopped, /HTTP 503/);
  assert.equal(left.length, 2);
  assert.equal((await run()).done.length, 2);
});

test('out of time, the rest is left for the next run', async () => {
  account();
  const time = () => (sent('POST').length ? 0 : 1000);
  const { done, left, stopped } = await run(lines(), { left: time });
  assert.deepEqual([done.length, left.length, left[0].why], [1, 1, 'there was no time left: run it again']);
  assert.deepEqual([stopped, sent('POST').length], [left[0].why, 1]);
});

test('no pause is longer than the time that is left', async () => {
  account();
  state.refusals = [{ method: 'GET', path: '.', status: 429, body: {}, headers: { 'Retry-After': '3' } }];
  const failure = await run(lines(), { left: () => 3000, sleep: assert.fail }).catch((error) => error);
  assert.match(numbers.words(failure), /too many requests/);
});

test('no run ever releases a number', async () => {
  account({ numbers: { '+14155550100': {}, '+14155550188': { friendly_name: 'gw:old/line' } } });
  const { plan } = await run();
  assert.equal(plan.counts.orphan, 1);
  assert.deepEqual(sent('DELETE'), []);
  assert.deepEqual(owned()[1], ['+14155550188', 'gw:old/line']);
});

test('dialling abroad is checked once for each country', async () => {
  account({ dialing: { FR: false } });
  const dial = { say: 'x', then: 'dial', to: '+33155550100' };
  const { plan } = await run(
    lines({ label: 'z', number: '+14155550100', search: null, hours: '', fallback: dial, regulatory: {} }),
  );
  assert.equal(plan.counts.geo, 1);
  assert.equal(sent('GET').filter((one) => one.host === 'voice.twilio.com').length, 1);
});

test('a country that Twilio has no permissions for keeps no number from being mended', async () => {
  account();
  state.refusals = [{ method: 'GET', path: 'DialingPermissions', status: 404, body: { code: 20404 } }];
  const dial = { say: 'x', then: 'dial', to: '+33155550100' };
  const { plan, done } = await run(
    lines({ label: 'z', number: '+14155550100', search: null, hours: '', fallback: dial, regulatory: {} }),
  );
  assert.deepEqual([plan.counts.geo, state.refusals, done.length > 0], [0, [], true]);
});

test("an error that is not Twilio's is a bug and stays one", () => {
  assert.throws(() => numbers.words(new TypeError('x')), TypeError);
});
