'use strict';
// The voice Function answers each case of tests/contract/route-*.json with what it says: the core's POST /twiml is asked
// the same in tests/server/test_reception_contract.py. Cases about other calls are the core's alone: only it counts them.
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { ask, flows, parameters, ROOT } = require('./rig');

const CONTRACT = path.join(ROOT, '..', 'tests', 'contract');
const COUNTRIES = JSON.parse(fs.readFileSync(path.join(ROOT, '..', 'gateway', 'flow', 'countries.json'), 'utf8'));
const CODES = Object.fromEntries(
  Object.entries(COUNTRIES).flatMap(([name, prefixes]) => prefixes.map((digits) => [digits, name])),
);
const VERBS = { Hangup: 'hangup', Record: 'voicemail', Dial: 'dial' };

/** An artefact of the cases, which name who answers and say no more of them. */
function staffed(artefact) {
  const { ava } = flows().flows.desk.personas;
  const entries = Object.entries(artefact.flows).map(([name, flow]) => {
    const names = ['night', ...flow.numbers.map((line) => line.persona)];
    return [name, { ...flow, personas: Object.fromEntries(names.map((one) => [one, ava])) }];
  });
  return { ...artefact, format: 1, hash: 'f'.repeat(64), flows: Object.fromEntries(entries), calling_codes: CODES };
}

/** What a document says of its route, as the cases have it. */
function told(xml) {
  const [, refused] = /<Reject reason="(\w+)"/.exec(xml) ?? [];
  if (refused) return { refuse: refused };
  if (xml.includes('<Connect ')) {
    const { flow, line, persona } = parameters(xml);
    return { answer: [flow, line, persona] };
  }
  const [, say, verb, to] = /<Say[^>]*>([^<]*)<\/Say><(\w+)[^>]*>(\+\d+)?/.exec(xml);
  return { announce: { say, then: VERBS[verb], to: to ?? '' } };
}

function wanted({ flow, line, expect: { outcome, persona, reason, announcement } }) {
  if (outcome === 'answer') return { answer: [flow, line, persona] };
  return outcome === 'refuse' ? { refuse: reason } : { announce: announcement };
}

for (const file of fs.readdirSync(CONTRACT).filter((name) => /^route-.*\.json$/.test(name))) {
  const { artefact, cases } = JSON.parse(fs.readFileSync(path.join(CONTRACT, file), 'utf8'));
  const whole = staffed(artefact);

  for (const one of cases.filter(({ usage }) => !usage)) {
    test(`${file}: ${one.name}`, async (t) => {
      t.mock.timers.enable({ apis: ['Date'], now: Date.parse(one.at) });
      const { number } = whole.flows[one.flow].numbers.find(({ label }) => label === one.line);
      const { status, body } = await ask('voice', { To: number, From: one.from }, { artefact: whole });
      assert.deepEqual([status, told(body)], [200, wanted(one)]);
    });
  }
}
