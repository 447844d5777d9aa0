'use strict';
// Against a stateful fake of Twilio (tests/fakes): what is asked, how often, and what becomes of a bad answer.
const assert = require('node:assert/strict');
const { test } = require('node:test');
const twilio = require('twilio');
const plans = require('../assets/numbers-plan.private.js');
const numbers = require('../assets/numbers-account.private.js');
const fakes = require('../../tests/fakes/twilio_api/server.js');
const { clientOf } = require('../../tests/fakes/twilio_api/sdk.js');
const { ALL, SEARCH, TOKEN, account, line, lines, owned, port, run, sent, state, wanted } = require('./numbers-rig');

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
  const paris = line({ label: 'paris', number: '', search: { ...SEARCH, country: 'FR' } });
  const { plan } = await run(lines(paris));
  assert.deepEqual(
    plan.changes.filter((one) => one.kind === 'unavailable').map((one) => one.line),
    ['clinic/paris'],
  );
});

test('wrong credentials stop before anything is changed', async () => {
  account();
  state.token = 'e'.repeat(32);
  const wrong = clientOf(twilio, { ...state, token: TOKEN }, port());
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

test('before a purchase that Twilio put off is asked for again, the account is looked at again', async () => {
  account();
  state.refusals = [{ method: 'POST', path: 'IncomingPhoneNumbers', status: 429, body: { code: 20429 } }];
  const rival = async () => fakes.seed(state, { numbers: { '+14155550113': { friendly_name: 'gw:clinic/more' } } });
  const { done } = await run(wanted(line({ label: 'more', number: '', search: SEARCH })), { sleep: rival });
  assert.deepEqual(
    done.map(({ kind, number }) => [kind, number]),
    [['buy', '']],
  );
  assert.deepEqual(
    owned().filter(([, name]) => name === 'gw:clinic/more'),
    [['+14155550113', 'gw:clinic/more']],
  );
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

const dials = (label, to) => line({ label, number: `+141555502${label}`, fallback: { say: 'x', then: 'dial', to } });
const asked = (host) => sent('GET').filter((one) => one.host === host);
const PARIS = '+33155550100';

test('each country that is dialled is looked up once, the own one too', async () => {
  const want = wanted(dials('01', PARIS), dials('02', '+33155550101'), dials('03', '+14155550123'));
  for (const [dialing, geo] of [
    [{ FR: false, US: true }, ['clinic/01', 'clinic/02']],
    [{ FR: true, US: false }, ['clinic/03']],
    [{ FR: true, US: true }, []],
  ]) {
    account({ dialing });
    const { plan } = await run(want);
    const told = plan.changes.filter((one) => one.kind === 'geo');
    assert.deepEqual(
      told.map((one) => one.line),
      geo,
    );
    assert.deepEqual(
      asked('voice.twilio.com').map((one) => one.path.slice(-2)),
      ['FR', 'US'],
    );
  }
});

test('a country that Twilio has no permissions for keeps no number from being mended', async () => {
  account();
  state.refusals = [{ method: 'GET', path: 'DialingPermissions', status: 404, body: { code: 20404 } }];
  const { plan, done } = await run(lines(dials('01', PARIS)));
  assert.deepEqual([plan.counts.geo, state.refusals, done.length > 0], [0, [], true]);
});

test('what Twilio refuses while we look is an error, and not nothing on sale', async () => {
  for (const path of ['AvailablePhoneNumbers', 'IncomingPhoneNumbers']) {
    for (const status of [400, 403, 500]) {
      account();
      state.refusals = [{ method: 'GET', path, status, body: { code: 20001, message: 'not so' } }];
      const failure = await run(lines(dials('01', PARIS))).catch((error) => error);
      assert.equal(numbers.words(failure), 'Twilio refused it (20001): not so', `${path} ${status}`);
      assert.deepEqual(sent('POST'), []);
    }
  }
});

test('where Twilio does not tell whether a country may be dialled, that is a warning, and the rest is done', async () => {
  const mayNot = 'these credentials may not look at it (an API key needs the right to read Voice)';
  const refused = 'Twilio refused it (20001): not so';
  const body = { code: 20001, message: 'not so' };
  for (const [refusal, why] of [
    [{ status: 401, body: { code: 20003, message: 'Authenticate' } }, mayNot],
    [{ status: 403, body: { code: 20003, message: 'Permission denied' } }, mayNot],
    [{ status: 403, body }, mayNot],
    [{ status: 400, body }, refused],
    [{ status: 500, body }, refused],
    [{ status: 429, body: {}, times: 4 }, 'Twilio is answering too many requests: run it again in a minute'],
  ]) {
    account();
    state.refusals = [{ method: 'GET', path: 'DialingPermissions/Countries/FR', ...refusal }];
    const { plan, done, stopped } = await run(wanted(line({}), dials('01', PARIS), dials('02', '+14155550123')));
    const told = plan.changes.filter((one) => one.kind === 'geo').map((one) => [one.line, one.reason]);
    const reason = `it dials ${PARIS}: whether FR may be dialled couldn't be looked at: ${why}`;
    assert.deepEqual([told, stopped], [[['clinic/01', reason]], '']);
    assert.deepEqual([done.length, plan.unsafe], [1, []]);
    assert.equal(asked('voice.twilio.com').at(-1).path.slice(-2), 'US'); // the next country is asked all the same
  }
});

test('no time to ask whether a country may be dialled is said, and no bug is', async () => {
  account();
  const time = () => (sent('GET').length < 1 ? 1000 : 0);
  const { plan } = await run(wanted(dials('01', PARIS)), { left: time });
  assert.match(plan.changes.at(-1).reason, /couldn't be looked at: there was no time left: run it again$/);
  const broken = { incomingPhoneNumbers: { list: async () => [] } }; // no SDK's client
  await assert.rejects(numbers.observe(broken, plans, wanted(dials('01', PARIS))), TypeError);
});

test('a number is looked for as the flow describes it', async () => {
  const sale = {
    '+14155550111': {},
    '+14085550112': {},
    '+14155557777': {},
    '+14155550113': { kind: 'mobile' },
    '+18005550114': { kind: 'toll_free' },
  };
  const any = { country: 'US', type: 'local', area_code: '', contains: '' };
  for (const [search, found] of [
    [{}, '+14155550111'],
    [{ area_code: '408' }, '+14085550112'],
    [{ contains: '7777' }, '+14155557777'],
    [{ type: 'mobile' }, '+14155550113'],
    [{ type: 'toll_free' }, '+18005550114'],
  ]) {
    account({ sale });
    const { done } = await run(wanted(line({ label: 'more', number: '', search: { ...any, ...search } })));
    assert.equal(done[0]?.number, found, JSON.stringify(search));
  }
});

test('Twilio that is not reached is said, with what to do', async () => {
  account();
  const nobody = clientOf(twilio, state, 1);
  const failure = await numbers.observe(nobody, plans, lines()).catch((error) => error);
  assert.match(numbers.words(failure), /^Twilio was not reached \(\w+\): run it again$/);
});

test('who has time until a moment sleeps as long as asked, and has less left', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const pace = numbers.until(Date.now() + 5000);
  let slept = false;
  const sleep = pace.sleep(1000).then(() => (slept = true));
  t.mock.timers.tick(999);
  await Promise.resolve();
  assert.deepEqual([slept, pace.left()], [false, 4001]);
  t.mock.timers.tick(1);
  await sleep;
  assert.deepEqual([slept, pace.left()], [true, 4000]);
});

test("an error that is not Twilio's is a bug and stays one", () => {
  assert.throws(() => numbers.words(new TypeError('x')), TypeError);
});
