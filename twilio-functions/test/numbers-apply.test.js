'use strict';
// Against a stateful fake of Twilio (tests/fakes): what is bought and changed, whatever breaks between.
const assert = require('node:assert/strict');
const { test } = require('node:test');
const print = require('../numbers/print.js');
const fakes = require('../../tests/fakes/twilio_api/server.js');
const { SALE, SEARCH, account, line, lines, owned, run, sent, state, wanted } = require('./numbers-rig');

const APP = `AP${'a'.repeat(32)}`;
const TRUNK = `TK${'b'.repeat(32)}`;
const OURS = 'https://gw-dev.twil.io/voice';

class Crash extends Error {}

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
    const other = line({ label: 'other', number: '+14155550101' });
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
  const mutes = line({ label: 'z', number: '+14155550122' });
  const first = await run(lines(mutes));
  assert.deepEqual(first.done[0].fields.voiceReceiveMode, ['fax', 'voice']);
  assert.deepEqual([sent('POST').length, sent('POST')[0].form.VoiceReceiveMode], [1, 'voice']);
  const { counts } = (await run(lines(mutes))).plan;
  assert.deepEqual([counts.noop, counts.voiceless], [1, 1]);
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

test('a number bought by somebody between two purchases of ours is found too', async () => {
  account({ sale: { '+14155550111': { gone: true }, '+14155550112': {} } });
  const rival = ({ answer, when }) => {
    if (when !== 'after' || answer.statusCode !== 400) return; // the first offer has just turned out to be gone
    fakes.seed(state, { numbers: { '+14155550113': { friendly_name: 'gw:clinic/more' } } });
  };
  const { done } = await run(lines(), { crash: rival });
  assert.deepEqual(
    done.map(({ kind, number }) => [kind, number]),
    [
      ['update', '+14155550100'],
      ['buy', ''],
    ],
  );
  assert.equal(state.numbers.length, 2);
});

test('what a flow names of regulations is set once: the second run is all no-op', async () => {
  const sids = { address_sid: 'AD', bundle_sid: 'BU', identity_sid: 'RI', emergency_address_sid: 'AD' };
  for (const [key, prefix] of Object.entries(sids)) {
    account();
    const want = wanted(line({ regulatory: { [key]: `${prefix}${'1'.repeat(32)}` } }));
    assert.equal((await run(want)).done.length, 1, key);
    assert.equal(state.numbers[0][key], `${prefix}${'1'.repeat(32)}`, key);
    assert.equal((await run(want)).plan.counts.noop, 1, key);
  }
});

test('a number that has just gone, or is none to Twilio: the next one is bought', async () => {
  account();
  const none = { code: 21421, message: 'no' };
  state.refusals = [{ method: 'POST', path: 'IncomingPhoneNumbers', status: 400, body: none }];
  const { done } = await run(wanted(line({ label: 'more', number: '', search: SEARCH })));
  assert.equal(done[0].number, '+14155550112');
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

test('a purchase that Twilio refuses holds back no other', async () => {
  account();
  const body = { code: 21649, message: 'Bundle required' };
  state.refusals = [{ method: 'POST', path: 'IncomingPhoneNumbers', status: 400, body }];
  const search = (label) => line({ label, number: '', search: SEARCH });
  const { done, left, stopped } = await run(wanted(search('a'), search('b'), search('c')));
  assert.deepEqual(
    [done, left].map((some) => some.map((one) => one.line)),
    [['clinic/b', 'clinic/c'], ['clinic/a']],
  );
  assert.deepEqual([stopped, state.numbers.length], ['', 3]);
});

test('no run ever releases a number', async () => {
  account({ numbers: { '+14155550100': {}, '+14155550188': { friendly_name: 'gw:old/line' } } });
  const { plan } = await run();
  assert.equal(plan.counts.orphan, 1);
  assert.deepEqual(sent('DELETE'), []);
  assert.deepEqual(owned()[1], ['+14155550188', 'gw:old/line']);
});

