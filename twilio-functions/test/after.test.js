'use strict';
const assert = require('node:assert/strict');
const { createHmac } = require('node:crypto');
const { test } = require('node:test');
const { ask, claims, parameters, says, silent, CALL, ENV } = require('./rig');

const RECORDS = '+14155550102';
const FALLBACK = /<Say language="en-GB">Words before voicemail.<\/Say><Record /;
const AGAIN = /<Stream name="gw-2"/;

function after(core, form = {}, more = {}) {
  return ask('after', { To: RECORDS, attempt: '1', ...form }, { core, ...more });
}

test('the core is asked with a signature', async () => {
  const asked = [];
  await after(
    async (url, { headers, redirect }) => (asked.push([url, headers, redirect]), new Response('{"next":"hangup"}')),
  );
  const [[url, headers, redirect]] = asked;
  const path = `/calls/${CALL.CallSid}/next?attempt=1`;
  const time = headers['X-Gateway-Time'];
  assert.equal(url, `https://core.example${path}`);
  assert.ok(Math.abs(Number(time) - Date.now() / 1000) < 5);
  const signature = createHmac('sha256', ENV.STREAM_SECRET).update(`GET\n${path}\n${time}`).digest('base64url');
  assert.equal(headers['X-Gateway-Signature'], signature);
  assert.equal(redirect, 'error');
});

test('hang up', async () => {
  assert.match((await after(says({ next: 'hangup' }))).body, /<Response><Hangup\/><\/Response>$/);
});

test('hang up needs neither flows nor a line', async () => {
  assert.match(
    (await after(says({ next: 'hangup' }), {}, { artefact: null })).body,
    /<Response><Hangup\/><\/Response>$/,
  );
});

test('a new stream: the next attempt, a fresh token, the same line', async () => {
  const { body } = await after(says({ next: 'stream', attempt: 2, failed: 0 }));
  assert.match(body, /<Connect action="[^"]+\/after\?attempt=2" method="POST"><Stream name="gw-2"/);
  const { token, attempt, persona } = parameters(body);
  assert.deepEqual([attempt, persona, claims(token).try], ['2', 'ava', 2]);
});

test('the core hears of the new stream too', async () => {
  const asked = [];
  const said = '{"next":"stream","attempt":2,"failed":0,"persona":"night"}';
  const core = async (url, { body }) => (asked.push([url, body]), new Response(said));
  await after(core, {}, { env: { PREWARM_MS: '200' } });
  const form = `flow=desk&line=records&persona=night&from=%2B14155550199&to=${encodeURIComponent(RECORDS)}`;
  assert.deepEqual(asked[1], [`https://core.example/calls/${CALL.CallSid}/warm`, form]);
  assert.equal(asked.length, 2);
});

test('a new stream with the persona that the core names', async () => {
  const { token, persona } = parameters((await after(says({ next: 'stream', attempt: 2, failed: 0, persona: 'night' }))).body);
  assert.deepEqual([persona, claims(token).per], ['night', 'night']);
});

for (const persona of ['nobody', '__proto__', 7, null]) {
  test(`a persona that the flow doesn't have is not believed: ${persona}`, async () => {
    const { body } = await after(says({ next: 'stream', attempt: 2, failed: 0, persona }));
    assert.equal(parameters(body).persona, 'ava');
  });
}

test('a stream ended after closing time: what is said then', async () => {
  const { body } = await after(silent, { To: '+14155550105' });
  assert.match(body, /Words before voicemail/);
  const { body: going } = await after(says({ next: 'stream', attempt: 2, failed: 0, persona: 'ava' }), { To: '+14155550105' });
  assert.match(going, AGAIN);
});

test('a caller who would be rejected by now hears the fallback: the call is answered already', async () => {
  assert.match((await after(silent, { From: '+19005550100' })).body, FALLBACK);
});

test('dial', async () => {
  const { body } = await after(says({ next: 'dial', to: '+14155550123', timeout_s: 25 }));
  assert.match(
    body,
    /<Response><Dial action="https:\/\/gw-1234-dev.twil.io\/done" method="POST" timeout="25" timeLimit="7200">\+14155550123<\/Dial><\/Response>$/,
  );
});

test('voicemail', async () => {
  const { body } = await after(says({ next: 'voicemail', say: 'Speak <now>\u0001.', max_length_s: 90 }));
  assert.match(body, /<Say language="en-GB">Speak &lt;now&gt; .<\/Say><Record [^>]*maxLength="90"/);
});

test('voicemail without words', async () => {
  assert.match((await after(says({ next: 'voicemail', say: '', max_length_s: 90 }))).body, /<Response><Record /);
});

test('fallback, with and without one', async () => {
  assert.match((await after(says({ next: 'fallback' }))).body, FALLBACK);
  assert.match(
    (await after(says({ next: 'fallback' }), { To: '+14155550100' })).body,
    /<Say language="en-US">Sorry, [^<]+<\/Say><Hangup\/>/,
  );
});

const BAD = {
  unreachable: silent,
  'the call is unknown': says('', 404),
  broken: says('oops', 500),
  'a page': says('<html></html>'),
  null: says('null'),
  'a list': says('[]'),
  'an empty object': says({}),
  'an unknown step': says({ next: 'toString' }),
  'the same attempt again': says({ next: 'stream', attempt: 1, failed: 0 }),
  'a leap': says({ next: 'stream', attempt: 7, failed: 0 }),
  'a text attempt': says({ next: 'stream', attempt: '2', failed: 0 }),
  'dial without a number': says({ next: 'dial', timeout_s: 20 }),
  'dial to a SIP address': says({ next: 'dial', to: 'sip:a@example.com', timeout_s: 20 }),
  'dial to more than a number': says({ next: 'dial', to: '+14155550123,9', timeout_s: 20 }),
  'dial without an end': says({ next: 'dial', to: '+14155550123' }),
  'dial for no time': says({ next: 'dial', to: '+14155550123', timeout_s: 0 }),
  'voicemail without an end': says({ next: 'voicemail', say: 'x' }),
  'a long answer': says(`{"next":"hangup","x":"${'x'.repeat(20_000)}"}`),
  'a redirect': says('', 302),
};
for (const [what, core] of Object.entries(BAD)) {
  test(`a core that can't be followed (${what}): one retry, then the fallback`, async () => {
    assert.match((await after(core)).body, AGAIN);
    assert.match((await after(core, { attempt: '2', failed: '1', unheard: '1' })).body, FALLBACK);
  });
}

test("a core that can't be followed after a stream that took a call over: one retry too", async () => {
  const { body } = await after(silent, { attempt: '5' });
  assert.match(body, /<Connect action="[^"]+\/after\?attempt=6&amp;failed=1&amp;unheard=1" method="POST"><Stream name="gw-6"/);
});

for (const failed of ['1', '2']) {
  test(`a core that falls silent after ${failed} broken streams, of which it told: one retry all the same`, async () => {
    const { body } = await after(silent, { attempt: '3', failed });
    assert.match(body, /after\?attempt=4&amp;failed=2&amp;unheard=1"/);
    const heard = await after(says({ next: 'stream', attempt: 5, failed: 1 }), { attempt: '4', failed: '2', unheard: '1' });
    assert.match(heard.body, /after\?attempt=5&amp;failed=1"/);
  });
}

for (const failed of [-1, 3, '1', null, undefined]) {
  test(`streams that failed are counted, or the core is not believed: ${JSON.stringify(failed)}`, async () => {
    const { body } = await after(says({ next: 'stream', attempt: 2, failed, persona: 'night' }));
    assert.match(body, /after\?attempt=2&amp;failed=1&amp;unheard=1"/);
    assert.equal(parameters(body).persona, 'ava');
  });
}

test('the core hears how many streams failed, and says so of the next', async () => {
  const asked = [];
  const core = async (url) => (asked.push(url), new Response('{"next":"stream","attempt":3,"failed":2}'));
  const { body } = await after(core, { attempt: '2', failed: '1' });
  assert.ok(asked[0].endsWith('/next?attempt=2&failed=1'));
  assert.match(body, /after\?attempt=3&amp;failed=2"/);
});

test('a silent core is waited for no longer than 2 s', async () => {
  const hanging = (_url, { signal }) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  const alive = setInterval(() => {}, 1000);
  const begun = Date.now();
  const { body } = await after(hanging);
  clearInterval(alive);
  assert.match(body, AGAIN);
  assert.ok(Date.now() - begun >= 1900 && Date.now() - begun < 3000);
});

for (const attempt of ['20', '21', '99', '100', '0', '-1', '1e0', 'x', '', undefined, ['1', '1']]) {
  test(`there is no twenty-first stream: attempt ${JSON.stringify(attempt)}`, async () => {
    const eager = async (url) =>
      new Response(JSON.stringify({ next: 'stream', attempt: Number(/attempt=(\d+)/.exec(url)[1]) + 1, failed: 0 }));
    assert.match((await after(eager, { attempt })).body, FALLBACK);
  });
}

test('a twentieth stream is the last', async () => {
  const { body } = await after(says({ next: 'stream', attempt: 20, failed: 0 }), { attempt: '19' });
  assert.match(body, /<Stream name="gw-20"/);
});

test('a bought line stays itself', async () => {
  const { body } = await after(silent, { To: '+14155550111', line: 'desk/bought' });
  assert.match(body, /\/after\?attempt=2&amp;failed=1&amp;unheard=1&amp;line=desk\/bought"/);
  assert.equal(parameters(body).line, 'bought');
});

test('a line that is gone by now', async () => {
  assert.match((await after(silent, { To: '+14155550111' })).body, /Sorry, [^<]+<\/Say><Hangup\/>/);
  assert.match((await after(says({ next: 'dial', to: '+14155550123', timeout_s: 20 }), { To: '' })).body, /<Dial /);
});
