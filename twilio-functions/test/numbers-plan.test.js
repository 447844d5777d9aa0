'use strict';
const assert = require('node:assert/strict');
const { test } = require('node:test');
const plans = require('../assets/numbers-plan.private.js');
const print = require('../numbers/print.js');

const PN = (n) => `PN${String(n).padStart(32, '0')}`;
const OURS = { domain: 'gw-1234-dev.twil.io', core: 'https://core.example.com/' };
const VOICE = 'https://gw-1234-dev.twil.io/voice';
const TWIML = 'https://core.example.com/twiml';
const WELL = {
  sid: PN(1),
  phoneNumber: '+14155550100',
  friendlyName: 'gw:clinic/desk',
  voiceUrl: VOICE,
  voiceMethod: 'POST',
  voiceFallbackUrl: TWIML,
  voiceFallbackMethod: 'POST',
  voiceApplicationSid: null,
  trunkSid: '',
};
const LINE = { label: 'desk', number: '+14155550100', search: null, hours: '', fallback: null, regulatory: {} };
const WANTED = {
  ...LINE,
  label: 'more',
  number: '',
  search: { country: 'US', type: 'local', area_code: '415', contains: '' },
};
const BOUGHT = {
  ...WELL,
  sid: PN(2),
  phoneNumber: '+14155550111',
  friendlyName: 'gw:clinic/more',
  voiceUrl: `${VOICE}?line=clinic/more`,
  voiceFallbackUrl: `${TWIML}?line=clinic/more`,
};

function artefact(...numbers) {
  return {
    format: 1,
    hash: 'f00d',
    flows: { clinic: { name: 'clinic', numbers, hours: {} } },
    calling_codes: { 1: 'US', 1204: 'CA', 33: 'FR' },
  };
}

function planned(lines, numbers = [], { offers = {}, reach = {} } = {}) {
  return plans.plan(plans.desired(artefact(...lines), OURS), { numbers, offers, reach });
}

const kinds = (plan) => plan.changes.map(({ kind, line }) => `${kind} ${line}`);

test('a number as it should be is left alone: null, absent and empty are equal', () => {
  const { voiceApplicationSid, ...absent } = WELL;
  for (const number of [WELL, { ...WELL, voiceApplicationSid: '' }, absent]) {
    assert.deepEqual(kinds(planned([LINE], [number])), ['noop clinic/desk']);
  }
});

test('a new number is pointed at the Functions, field by field, and marked', () => {
  const fresh = {
    ...WELL,
    friendlyName: '(415) 555-0100',
    voiceUrl: 'https://demo.twilio.com/welcome/voice/',
    voiceFallbackUrl: null,
  };
  const [change] = planned([LINE], [fresh]).changes;
  assert.equal(change.kind, 'update');
  assert.equal(change.needs, '');
  assert.deepEqual(change.fields, {
    friendlyName: ['(415) 555-0100', 'gw:clinic/desk'],
    voiceUrl: ['https://demo.twilio.com/welcome/voice/', VOICE],
    voiceFallbackUrl: ['', TWIML],
  });
});

test('a URL changed by hand on a number of ours is drift', () => {
  const plan = planned([LINE], [{ ...WELL, voiceUrl: 'https://other.example/x', voiceMethod: 'GET' }]);
  assert.deepEqual(kinds(plan), ['drift clinic/desk']);
  assert.deepEqual(plan.changes[0].fields, {
    voiceUrl: ['https://other.example/x', VOICE],
    voiceMethod: ['GET', 'POST'],
  });
  assert.deepEqual(plan.unsafe, []);
});

test('an application or trunk that shadows the URLs is cleared in a line of its own, after the URLs', () => {
  const app = `AP${'a'.repeat(32)}`;
  assert.deepEqual(
    planned([LINE], [{ ...WELL, voiceApplicationSid: app }]).changes.map(({ kind, fields }) => [kind, fields]),
    [['shadowed', { voiceApplicationSid: [app, ''] }]],
  );
  assert.deepEqual(kinds(planned([LINE], [{ ...WELL, trunkSid: 'TK1', voiceUrl: '' }])), [
    'drift clinic/desk',
    'shadowed clinic/desk',
  ]);
});

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

test('what only looks like another deployment is drift', () => {
  const urls = [
    'https://gw-1234.twil.io/other', // another project's Function
    'https://gw-1234.twil.io.example/voice',
    'https://twil.io/voice',
    'https://GW-1234-dev.twil.io/voice', // this one, written otherwise
  ];
  for (const voiceUrl of urls) {
    const plan = planned([LINE], [{ ...WELL, voiceUrl }]);
    assert.deepEqual([kinds(plan), plan.unsafe], [['drift clinic/desk'], []], voiceUrl);
  }
});

test('a number that receives faxes is set to receive calls; where Twilio does not say, it receives calls', () => {
  const [fax, ...more] = planned([LINE], [{ ...WELL, voiceReceiveMode: 'fax' }]).changes;
  assert.deepEqual([fax.kind, fax.fields, more], ['drift', { voiceReceiveMode: ['fax', 'voice'] }, []]);
  for (const voiceReceiveMode of ['voice', null, '', undefined]) {
    assert.deepEqual(kinds(planned([LINE], [{ ...WELL, voiceReceiveMode }])), ['noop clinic/desk']);
  }
});

test('a number that takes no calls is a fault that says what to do, and is left as it is', () => {
  const mute = { capabilities: { voice: false, sms: true }, voiceUrl: '' };
  const plan = planned([LINE, WANTED], [
    { ...WELL, ...mute },
    { ...BOUGHT, ...mute },
  ]);
  assert.deepEqual(
    plan.changes.map(({ kind, line, fields, reason }) => [kind, line, fields, reason]),
    [
      ['voiceless', 'clinic/desk', {}, 'Twilio takes no calls for this number: name another in the flow'],
      [
        'voiceless',
        'clinic/more',
        {},
        'Twilio takes no calls for this number: release it by hand, and apply buys another',
      ],
    ],
  );
  assert.equal(plan.faults, 2);
  assert.deepEqual(kinds(planned([LINE], [{ ...WELL, capabilities: { voice: true } }])), ['noop clinic/desk']);
});

test('a number that the account does not own is a fault', () => {
  const plan = planned([LINE], [{ ...WELL, phoneNumber: '+141555501000' }]); // Twilio's filter would find this one
  assert.deepEqual(kinds(plan), ['missing clinic/desk', 'orphan clinic/desk']);
  assert.equal(plan.faults, 1);
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
});

test('where numbers take an address, the plan says which, and invents none', () => {
  const french = { ...WANTED, search: { ...WANTED.search, country: 'FR', area_code: '' } };
  const offers = { 'clinic/more': [{ phoneNumber: '+33155550100', addressRequirements: 'local' }] };
  const [fault] = planned([french], [], { offers }).changes;
  assert.equal(fault.kind, 'regulatory');
  assert.equal(fault.reason, 'such a number takes an address in FR: name regulatory.address_sid');
  const address = `AD${'1'.repeat(32)}`;
  const [buy] = planned([{ ...french, regulatory: { address_sid: address, bundle_sid: '' } }], [], { offers }).changes;
  assert.equal(buy.kind, 'buy');
  assert.deepEqual(buy.fields.addressSid, ['', address]);
  assert.ok(!('bundleSid' in buy.fields));
  const some = {
    'clinic/more': [...offers['clinic/more'], { phoneNumber: '+33155550101', addressRequirements: 'none' }],
  };
  assert.deepEqual(planned([french], [], { offers: some }).changes[0].offers, ['+33155550101']);
});

test('registered SIDs are compared too, but only where the flow names them', () => {
  const bundle = `BU${'2'.repeat(32)}`;
  const known = { ...WELL, bundleSid: bundle };
  assert.deepEqual(kinds(planned([LINE], [known])), ['noop clinic/desk']);
  assert.deepEqual(planned([{ ...LINE, regulatory: { bundle_sid: bundle } }], [WELL]).changes[0].fields, {
    bundleSid: ['', bundle],
  });
});

test('dialling another country that the account may not dial is a warning', () => {
  const line = { ...LINE, fallback: { say: 'x', then: 'dial', to: '+33155550100' } };
  assert.deepEqual(kinds(planned([line], [WELL], { reach: { FR: false } })), ['noop clinic/desk', 'geo clinic/desk']);
  assert.deepEqual(kinds(planned([line], [WELL], { reach: { FR: true } })), ['noop clinic/desk']);
  const want = plans.desired(artefact({ ...line, fallback: { ...line.fallback, to: '+14155550123' } }), OURS);
  assert.deepEqual(want.dials, []); // the same country
  const closed = artefact({ ...LINE, hours: 'office' });
  closed.flows.clinic.hours = {
    office: { closed: { persona: '', announcement: { say: 'x', then: 'dial', to: '+12045550100' } } },
  };
  assert.deepEqual(plans.desired(closed, OURS).dials, [{ line: 'clinic/desk', to: '+12045550100', country: 'CA' }]);
});

test('the order of flows, lines and numbers makes no difference', () => {
  const lines = [LINE, WANTED, { ...LINE, label: 'a', number: '+14155550166' }];
  const numbers = [BOUGHT, WELL, { ...WELL, sid: PN(7), phoneNumber: '+14155550155', friendlyName: 'gw:old/x' }];
  const plan = planned(lines, numbers);
  assert.deepEqual(planned([...lines].reverse(), [...numbers].reverse()), plan);
  assert.deepEqual(kinds(plan), ['missing clinic/a', 'noop clinic/desk', 'noop clinic/more', 'orphan old/x']);
  const { missing, noop, orphan, ...others } = plan.counts;
  assert.deepEqual([missing, noop, orphan, new Set(Object.values(others))], [1, 2, 1, new Set([0])]);
});

test('a mark is at most 64 characters, and two long lines have two', () => {
  const long = `${'f'.repeat(63)}/${'l'.repeat(60)}`;
  assert.equal(plans.mark('clinic/desk'), 'gw:clinic/desk');
  assert.equal(plans.mark(long).length, 64);
  assert.notEqual(plans.mark(`${long}a`), plans.mark(`${long}b`));
});

test('what costs money is said in words', () => {
  const offers = { 'clinic/more': [{ phoneNumber: '+14155550177', addressRequirements: 'none' }] };
  const text = print.planText(planned([LINE, WANTED], [{ ...WELL, voiceUrl: '' }], { offers }));
  assert.equal(
    text,
    [
      '~ drift        clinic/desk +14155550100',
      `    voiceUrl: (none) -> ${VOICE}`,
      '+ buy          clinic/more a local number in US, area code 415 (such as +14155550177): ' +
        'COSTS MONEY, once and every month: needs --buy',
      '',
      'flows f00d: 1 buy, 1 drift',
    ].join('\n'),
  );
});

test('what leads elsewhere and what takes no calls is marked, in the order of the lines', () => {
  const lines = [LINE, { ...LINE, label: 'a', number: '+14155550166' }];
  const theirs = { ...WELL, voiceUrl: 'https://gw-1234.twil.io/voice' };
  const mute = { ...WELL, sid: PN(6), phoneNumber: '+14155550166', capabilities: { voice: false } };
  const said = [
    '! voiceless    clinic/a +14155550166: Twilio takes no calls for this number: name another in the flow',
    '> elsewhere    clinic/desk +14155550100: +14155550100 answers at gw-1234.twil.io today, another deployment of ours: ' +
      'needs --take-over',
  ];
  const sum = ['', 'flows f00d: 1 voiceless, 1 elsewhere'];
  const plan = planned(lines, [theirs, mute]);
  assert.equal(print.statusText(plan), [...said, ...sum].join('\n'));
  const field = `    voiceUrl: https://gw-1234.twil.io/voice -> ${VOICE}`;
  assert.equal(print.planText(plan), [...said, field, ...sum].join('\n'));
});
