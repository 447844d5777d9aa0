'use strict';
// Every way through a call: all doors, all answers of the core, all that can be missing at each step, all that Twilio may
// report. Each way must end, and soon.
const assert = require('node:assert/strict');
const { test } = require('node:test');
const { ask, flows, says, silent } = require('./rig');

const MOST = 26; // requests of one call
const NUMBERS = [...Object.keys(flows().lines), '+14155550111'];
const CALLERS = ['+14155550199', '+19005550100'];
// A core that wants another stream whatever happens.
const EAGER = [0, 1, 2].map((failed) => async (url) => {
  const attempt = Number(/attempt=(\d+)/.exec(url)?.[1] ?? 0) + 1;
  return new Response(JSON.stringify({ next: 'stream', attempt, failed, persona: 'night' }));
});
const CORES = [
  silent,
  says('', 404),
  says('oops', 500),
  says('{'),
  says({ next: 'hangup' }),
  says({ next: 'fallback' }),
  says({ next: 'stream', attempt: 1, failed: 0 }),
  ...EAGER,
  says({ next: 'dial', to: '+14155550123', timeout_s: 20 }),
  says({ next: 'voicemail', say: 'Speak.', max_length_s: 60 }),
];
const SHAPES = [{}, { env: { CORE_URL: '' } }, { artefact: null }, { artefact: '{"format":1}' }];
const DIALLED = ['completed', 'no-answer', 'busy', 'failed', 'canceled'];

/** The requests that a document may lead to: [url, fields of the form]. Asserts that it can't leave a dead line. */
function ways(xml) {
  const inner = /^<\?xml version="1.0" encoding="UTF-8"\?><Response>(.+)<\/Response>$/s.exec(xml)?.[1];
  assert.ok(inner, xml);
  const found = [];
  for (const [, verb, attributes, , body] of inner.matchAll(/<(\w+)([^>]*?)(\/>|>(.*?)<\/\1>)/gs)) {
    const action = /action="([^"]+)"/.exec(attributes)?.[1].replaceAll('&amp;', '&');
    switch (verb) {
      case 'Say':
        break;
      case 'Hangup':
      case 'Reject':
        return found;
      case 'Redirect':
        return [...found, [body.replaceAll('&amp;', '&'), {}]];
      case 'Connect':
        assert.match(body, /^<Stream /);
        found.push([action, {}]);
        break; // and should Twilio not ask the action, the next verb
      case 'Record':
        found.push([action, { RecordingDuration: '3' }]);
        break; // nothing recorded: the next verb
      case 'Dial':
        assert.equal(body, '+14155550123', 'a number that nobody wrote down');
        return [...found, ...DIALLED.map((DialCallStatus) => [action, { DialCallStatus }])];
      default:
        assert.fail(`a verb that leads nowhere: <${verb}>`);
    }
  }
  return assert.fail(`a document that ends without an end: ${xml}`);
}

/** The longest way from a request, in requests. Fails on a way that comes back to where it was. */
async function longest(url, form, known, path = []) {
  const state = `${url} ${JSON.stringify(form)}`;
  assert.ok(!path.includes(state), `a loop: ${[...path, state].join(' -> ')}`);
  if (known.has(state)) return known.get(state);
  const { pathname, searchParams } = new URL(url);
  const asked = pathname.startsWith('/after') ? CORES : [silent];
  let most = 0;
  for (const core of asked) {
    for (const shape of SHAPES) {
      const { status, body } = await ask(
        pathname.slice(1),
        { ...Object.fromEntries(searchParams), ...form },
        { core, ...shape },
      );
      assert.equal(status, 200);
      for (const [next, fields] of ways(body)) {
        const same = { To: form.To, From: form.From };
        most = Math.max(most, await longest(next, { ...same, ...fields }, known, [...path, state]));
      }
    }
  }
  known.set(state, most + 1);
  return most + 1;
}

const DOORS = [
  'voice',
  'fallback',
  'done',
  'after',
  ...['0', '1', '2', '3', '4', 'x'].map((n) => `after?attempt=${n}`),
];
for (const To of NUMBERS) {
  test(`each way through a call to ${To} ends`, async () => {
    const known = new Map();
    for (const From of CALLERS) {
      for (const door of [...DOORS, 'voice?line=desk/bought', 'after?attempt=1&line=desk/bought']) {
        const most = await longest(`https://gw-1234-dev.twil.io/${door}`, { To, From }, known);
        assert.ok(most <= MOST, `${door}: ${most} requests`);
      }
    }
    assert.ok(known.size >= 20); // the walk went somewhere
  });
}
