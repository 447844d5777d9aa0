'use strict';
const assert = require('node:assert/strict');
const { test } = require('node:test');
const plans = require('../assets/numbers-plan.private.js');
const print = require('../numbers/print.js');
const { BOUGHT, LINE, OURS, PN, TWIML, VOICE, WANTED, WELL, artefact, kinds, planned } = require('./numbers-desk');

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
  const sids = { address_sid: 'addressSid', bundle_sid: 'bundleSid', identity_sid: 'identitySid' };
  for (const [key, field] of Object.entries({ ...sids, emergency_address_sid: 'emergencyAddressSid' })) {
    const sid = `XX${'2'.repeat(32)}`;
    const known = { ...WELL, [field]: sid };
    assert.deepEqual(kinds(planned([LINE], [known])), ['noop clinic/desk'], key);
    const [change] = planned([{ ...LINE, regulatory: { [key]: sid } }], [WELL]).changes;
    assert.deepEqual(change.fields, { [field]: ['', sid] });
  }
});

test('what a person must put right is counted', () => {
  const local = { 'clinic/more': [{ phoneNumber: '+14155550177', addressRequirements: 'local' }] };
  for (const [kind, lines, numbers, offers] of [
    ['missing', [LINE], [], {}],
    ['unavailable', [WANTED], [], {}],
    ['regulatory', [WANTED], [], local],
    ['voiceless', [LINE], [{ ...WELL, capabilities: { voice: false } }], {}],
    ['duplicate', [WANTED], [BOUGHT, { ...BOUGHT, sid: PN(3) }], {}],
  ]) {
    const plan = planned(lines, numbers, { offers });
    assert.deepEqual([plan.counts[kind], plan.faults], [1, 1], kind);
  }
});

test('dialling a country that the account may not dial is a warning, the own country too', () => {
  const dials = (to) => ({ ...LINE, fallback: { say: 'x', then: 'dial', to } });
  const french = dials('+33155550100');
  assert.deepEqual(kinds(planned([french], [WELL], { reach: { FR: false } })), ['noop clinic/desk', 'geo clinic/desk']);
  for (const reach of [{ FR: true }, { FR: null }, {}])
    assert.deepEqual(kinds(planned([french], [WELL], { reach })), ['noop clinic/desk']);
  const closed = { office: { closed: { persona: '', announcement: { say: 'x', then: 'dial', to: '+12045550100' } } } };
  const dialled = (line) => {
    const given = artefact(line);
    given.flows.clinic.hours = closed;
    return plans.desired(given, OURS).dials.map(({ line: name, to, country }) => [name, to, country]);
  };
  const us = ['clinic/desk', '+14155550123', 'US'];
  const canada = ['clinic/desk', '+12045550100', 'CA'];
  for (const [line, wanted] of [
    [dials('+14155550123'), [us]],
    [{ ...dials('+14155550123'), hours: 'office' }, [us, canada]],
    [{ ...LINE, hours: 'office', number: '+12045550177' }, [canada]],
    [{ ...WANTED, fallback: { say: 'x', then: 'dial', to: '+14155550123' } }, [['clinic/more', ...us.slice(1)]]],
    [dials('+80012345678'), []], // of no country
    [{ ...LINE, fallback: { say: 'x', then: 'hangup', to: '' } }, []],
  ]) {
    assert.deepEqual(dialled(line), wanted, JSON.stringify(line));
  }
});

test('numbers lead to nothing that is of one machine or network: Twilio would end each call there', () => {
  const near = ['localhost', 'gw', 'gw.localhost', 'gw.local', 'gw.internal', 'gw.home.arpa', 'localhost.', '127.0.0.1'];
  near.push('127.1', '10.1.2.3', '172.31.0.1', '192.168.1.1', '169.254.1.1', '100.64.0.1', '0.0.0.0', '[::1]', '[::]');
  near.push('[::ffff:10.0.0.1]', '[fd00::1]', '[fe80::1]', '', 'gw.localdomain', 'gw.lan');
  // the ends of each block, and what is beyond them
  near.push('0.255.255.255', '10.0.0.1', '10.255.255.254', '100.64.0.0', '100.127.255.255', '127.255.255.255', '[fc00::1]');
  near.push('169.254.255.255', '172.16.0.0', '172.31.255.255', '192.168.0.1', '192.168.255.255', '[fdff::1]', '[febf::1]');
  const far = ['gw-1.twil.io', 'voice.acme.example', 'localhost.example', '172.32.0.1', '192.0.1.1', '[2606:4700::1]'];
  far.push('1.0.0.1', '9.255.255.255', '11.0.0.1', '100.63.255.255', '100.128.0.1', '126.255.255.255', '128.0.0.1', '[::2]');
  far.push('169.253.255.255', '169.255.0.1', '172.15.255.255', '192.167.255.255', '192.169.0.1', '[fbff::1]', '[fe7f::1]');
  far.push('[fe00::1]', '[fec0::1]', 'gw.lan.example', 'gw.planlan');
  const fault = (given) => {
    try {
      return plans.desired(artefact(LINE), { ...OURS, ...given }) && '';
    } catch (error) {
      assert.ok(error instanceof plans.Fault, error.stack);
      return error.message;
    }
  };
  for (const host of [...near, ...near.filter(Boolean).map((name) => `${name}:3988`)]) {
    assert.match(fault({ domain: host }), /^Functions: Twilio can't reach .*: deploy them, and name their domain$/, host);
    assert.match(fault({ core: `https://${host}` }), /^CORE_URL: Twilio can't reach .* public https:\/\/ address/, host);
  }
  for (const host of far) {
    assert.equal(fault({ domain: host, core: `https://${host}:8443/` }), '', host);
    assert.match(fault({ core: `http://${host}` }), /^CORE_URL: /, host);
  }
});

test('the order of flows, lines and numbers makes no difference', () => {
  const lines = [LINE, WANTED, { ...LINE, label: 'a', number: '+14155550166' }];
  const numbers = [BOUGHT, WELL, { ...WELL, sid: PN(7), phoneNumber: '+14155550155', friendlyName: 'gw:old/x' }];
  const plan = planned(lines, numbers);
  assert.deepEqual(planned([...lines].reverse(), [...numbers].reverse()), plan);
  assert.deepEqual(
    plans.desired(artefact(...lines), OURS).lines.map((one) => one.line),
    ['clinic/a', 'clinic/desk', 'clinic/more'],
  );
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
