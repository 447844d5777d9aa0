'use strict';
// Whose a number is: which line it serves, and what takes a second word because somebody else may be answering it.
const assert = require('node:assert/strict');
const { test } = require('node:test');
const plans = require('../assets/numbers-plan.private.js');
const { BOUGHT, LINE, OURS, PN, VOICE, WANTED, WELL, artefact, kinds, planned } = require('./numbers-desk');

test('a number that answers for somebody else is not taken without a second word', () => {
  const theirs = { ...WELL, friendlyName: 'Sales', voiceUrl: 'https://sales.example/voice' };
  const plan = planned([LINE], [theirs]);
  assert.deepEqual(plan.unsafe, [
    '+14155550100 answers at sales.example today and does not carry the mark of this line',
  ]);
  assert.equal(plan.changes[0].needs, 'take-over');
  const shadowed = planned([LINE], [{ ...WELL, friendlyName: 'Sales', trunkSid: 'TK1' }]);
  assert.deepEqual(
    shadowed.changes.map((change) => change.needs),
    ['take-over', 'take-over'],
  );
  const moved = { ...WELL, friendlyName: 'gw:clinic/old' }; // it answers here already, for another line
  assert.deepEqual(kinds(planned([LINE], [moved])), ['update clinic/desk']);
  assert.deepEqual(planned([LINE], [moved]).unsafe, []);
});

test('a number that another deployment of ours answers is its own kind, and takes the second word', () => {
  const reason = '+14155550100 answers at gw-1234.twil.io today, another deployment of ours';
  const theirs = { ...WELL, voiceUrl: 'https://gw-1234.twil.io/voice' };
  for (const number of [theirs, { ...theirs, friendlyName: 'Sales' }]) {
    const plan = planned([LINE], [number]);
    assert.deepEqual(
      plan.changes.map(({ kind, needs, reason: why }) => [kind, needs, why]),
      [['elsewhere', 'take-over', reason]],
    );
    assert.deepEqual(plan.changes[0].fields.voiceUrl, ['https://gw-1234.twil.io/voice', VOICE]);
    assert.deepEqual([plan.unsafe, plan.counts.elsewhere, plan.faults], [[reason], 1, 0]);
  }
  const shadowed = planned([LINE], [{ ...theirs, trunkSid: 'TK1' }]).changes;
  assert.deepEqual(
    shadowed.map(({ kind, needs }) => [kind, needs]),
    [
      ['elsewhere', 'take-over'],
      ['shadowed', 'take-over'],
    ],
  );
  const bought = { ...BOUGHT, voiceUrl: 'https://gw-1234.twil.io/voice?line=clinic/more' };
  assert.deepEqual(kinds(planned([WANTED], [bought])), ['elsewhere clinic/more']);
});

test('with the mark of a line it may answer at any domain, or at a core: that takes the second word too', () => {
  for (const [voiceUrl, host] of [
    ['https://voice.acme.example/voice', 'voice.acme.example'],
    ['https://voice.acme.example:8443/voice?line=clinic/desk', 'voice.acme.example:8443'],
    ['https://core.acme.example/twiml', 'core.acme.example'],
    ['http://core.acme.example/twiml/', 'core.acme.example'],
    ['https://gw-1234.twil.io/voice/', 'gw-1234.twil.io'],
    ['https://GW-1234.twil.io:443/voice', 'gw-1234.twil.io'],
    ['https://gw-1234.twil.io.example/voice', 'gw-1234.twil.io.example'],
    ['https://gw-1234.twil.io//voice', 'gw-1234.twil.io'],
    ['https://gw.acme.example/prod/twiml', 'gw.acme.example/prod'],
    ['https://gw.acme.example//prod//twiml//', 'gw.acme.example/prod'],
    ['https://core.example.com/prod/twiml', 'core.example.com/prod'], // our core's host, and not our core
  ]) {
    const [change] = planned([LINE], [{ ...WELL, voiceUrl }]).changes;
    assert.deepEqual([change.kind, change.needs], ['elsewhere', 'take-over'], voiceUrl);
    assert.equal(change.reason, `+14155550100 answers at ${host} today, another deployment of ours`);
  }
  const theirs = { ...WELL, friendlyName: 'Sales', voiceUrl: 'https://sales.example/twiml' };
  assert.deepEqual(kinds(planned([LINE], [theirs])), ['update clinic/desk']); // guarded as somebody's
});

test('cores under paths of one host are as many deployments', () => {
  const trial = { ...OURS, core: 'https://gw.example.com/trial/' };
  const kindAt = (voiceUrl) => {
    const numbers = [{ ...WELL, voiceUrl, voiceFallbackUrl: 'https://gw.example.com/trial/twiml' }];
    return plans.plan(plans.desired(artefact(LINE), trial), { numbers, offers: {}, reach: {} }).changes[0].kind;
  };
  for (const path of ['/prod/twiml', '/twiml', '/trial/x/twiml', '/trials/twiml', '/Trial/twiml'])
    assert.equal(kindAt(`https://gw.example.com${path}`), 'elsewhere', path);
  for (const path of ['/trial/twiml', '//trial//twiml/', '/trial/twiml?line=clinic/desk', '/trial/voice', '/prod/twimls', '/trial'])
    assert.equal(kindAt(`https://gw.example.com${path}`), 'drift', path);
});

test('what only looks like another deployment is drift', () => {
  const urls = [
    '', // nobody's
    'https://demo.twilio.com/welcome/voice/', // as Twilio sells it
    'https://gw-1234.twil.io/other', // another project's Function
    'https://gw-1234.twil.io/voice/x',
    'https://gw-1234.twil.io/my-voice',
    'https://gw-1234.twil.io/voice.xml',
    'https://GW-1234-dev.twil.io/voice', // this one, written otherwise
    'https://gw-1234-dev.twil.io/voice/',
    'https://gw-1234-dev.twil.io//voice',
    'https://core.example.com/twiml', // our own core, while Functions were down
    'https://localhost:3000/voice', // of one machine: nobody answers there
  ];
  for (const voiceUrl of urls) {
    const plan = planned([LINE], [{ ...WELL, voiceUrl }]);
    assert.deepEqual([kinds(plan), plan.unsafe], [['drift clinic/desk'], []], voiceUrl);
  }
});

test('a number without the mark is free where it answers nobody: no URL, or the one it was sold with', () => {
  for (const voiceUrl of ['', null, 'https://demo.twilio.com/welcome/voice/']) {
    const free = { ...WELL, friendlyName: '(415) 555-0100', voiceUrl };
    assert.equal(planned([LINE], [free]).changes[0].needs, '', voiceUrl);
    for (const shadow of ['voiceApplicationSid', 'trunkSid']) {
      const shadowed = planned([LINE], [{ ...free, [shadow]: 'XX1' }]);
      assert.deepEqual(shadowed.unsafe, [
        '+14155550100 answers through an application or a trunk today and does not carry the mark of this line',
      ]);
    }
  }
});

test('a line that searches buys once: its number is known by its mark, or by a URL if somebody renamed it', () => {
  const offers = { 'clinic/more': [{ phoneNumber: '+14155550177', addressRequirements: 'none' }] };
  const [buy] = planned([WANTED], [], { offers }).changes;
  assert.equal(buy.kind, 'buy');
  assert.equal(buy.costs, true);
  assert.equal(buy.needs, 'buy');
  assert.deepEqual(buy.offers, ['+14155550177']);
  assert.equal(buy.fields.voiceUrl[1], `${VOICE}?line=clinic/more`);
  assert.deepEqual(kinds(planned([WANTED], [BOUGHT], { offers })), ['noop clinic/more']);
  assert.deepEqual(kinds(planned([WANTED], [{ ...BOUGHT, friendlyName: 'Mine' }], { offers })), ['update clinic/more']);
  assert.deepEqual(kinds(planned([WANTED], [{ ...BOUGHT, voiceUrl: 'https://x.example/' }], { offers })), [
    'drift clinic/more',
  ]);
});

test('a number renamed by hand, and one of its URLs changed: the other URL still saves a second purchase', () => {
  const offers = { 'clinic/more': [{ phoneNumber: '+14155550177', addressRequirements: 'none' }] };
  for (const url of ['voiceUrl', 'voiceFallbackUrl']) {
    const renamed = { ...BOUGHT, friendlyName: 'Mine', [url]: '' };
    assert.deepEqual(kinds(planned([WANTED], [renamed], { offers })), ['update clinic/more'], url);
  }
});

test('of two that claim a line the one with its mark serves it, whichever came first', () => {
  for (const [one, other] of [[2, 3], [3, 2]]) {
    const renamed = { ...BOUGHT, sid: PN(one), phoneNumber: '+14155550112', friendlyName: 'Mine' };
    const plan = planned([WANTED], [renamed, { ...BOUGHT, sid: PN(other) }]);
    assert.deepEqual(
      plan.changes.map(({ kind, sid }) => [kind, sid]),
      [
        ['noop', PN(other)],
        ['duplicate', PN(one)],
      ],
    );
  }
});

test('a second number with the mark of a line is reported, never touched', () => {
  const plan = planned([WANTED], [{ ...BOUGHT, sid: PN(3), phoneNumber: '+14155550112' }, BOUGHT]);
  assert.deepEqual(
    plan.changes.map(({ kind, sid }) => [kind, sid]),
    [
      ['noop', PN(2)],
      ['duplicate', PN(3)],
    ],
  );
  assert.deepEqual(plan.changes[1].fields, {});
  assert.equal(plan.faults, 1);
});

test('a number serves one line, whatever somebody wrote into its URLs', () => {
  const other = { ...WANTED, label: 'other' };
  const torn = { ...BOUGHT, voiceUrl: `${VOICE}?line=clinic/other`, voiceFallbackUrl: '' };
  assert.deepEqual(kinds(planned([WANTED, other], [torn])), ['drift clinic/more', 'unavailable clinic/other']);
});

test('a number named by one line is not the bought one of another', () => {
  const plan = planned([{ ...LINE, number: BOUGHT.phoneNumber }, WANTED], [BOUGHT]);
  assert.deepEqual(kinds(plan), ['update clinic/desk', 'unavailable clinic/more']);
});

test('a number whose line is gone is an orphan: reported, left as it is', () => {
  const plan = planned([], [WELL, { ...WELL, sid: PN(9), friendlyName: 'Fax' }]);
  assert.deepEqual(kinds(plan), ['orphan clinic/desk']);
  assert.deepEqual(plan.changes[0].fields, {});
  assert.equal(plan.faults, 0);
  const reason = 'none of these flows names this line: it is left as it is, and still costs money';
  assert.equal(plan.changes[0].reason, reason);
});

test('a number whose line has another by now is an orphan that says so', () => {
  const named = { ...LINE, label: 'more' }; // it searched, and names a number now
  const tail = "is this line's now: it is left as it is, and still costs money";
  for (const numbers of [[BOUGHT, { ...WELL, friendlyName: 'gw:clinic/more' }], [BOUGHT]]) {
    const [orphan] = planned([named], numbers).changes.filter((one) => one.kind === 'orphan');
    assert.deepEqual([orphan.sid, orphan.reason], [BOUGHT.sid, `another number, +14155550100, ${tail}`]);
  }
});

