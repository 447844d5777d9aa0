'use strict';
const assert = require('node:assert/strict');
const { createHmac } = require('node:crypto');
const { test } = require('node:test');
const { ask, claims, flows, parameters, CALL, ENV } = require('./rig');

const WARM = { PREWARM_MS: '200' };
const BARE = '+14155550100';

test('a number that is a line gets a stream', async () => {
  const { status, type, body } = await ask('voice', { To: BARE });
  assert.equal(status, 200);
  assert.equal(type, 'text/xml');
  assert.match(
    body,
    /^<\?xml version="1.0" encoding="UTF-8"\?><Response><Connect action="https:\/\/gw-1234-dev.twil.io\/after\?attempt=1" method="POST"><Stream name="gw-1" url="wss:\/\/core.example\/ws\/twilio"/,
  );
  const { token, ...rest } = parameters(body);
  const said = {
    flow: 'desk',
    line: 'bare',
    persona: 'ava',
    hash: 'f'.repeat(64),
    attempt: '1',
    from: CALL.From,
    to: BARE,
  };
  assert.deepEqual(rest, said);
  const { exp, n, ...claimed } = claims(token);
  assert.deepEqual(claimed, {
    sid: CALL.CallSid,
    acc: CALL.AccountSid,
    flow: 'desk',
    line: 'bare',
    per: 'ava',
    try: 1,
  });
  assert.ok(Math.abs(exp - Date.now() / 1000 - 60) < 5);
  assert.match(n, /^[\w-]{12}$/);
});

test('the line end that a secret was stored with is no part of it', async () => {
  const { body } = await ask('voice', { To: BARE }, { env: { STREAM_SECRET: `${ENV.STREAM_SECRET}\n` } });
  const [said, mac] = parameters(body).token.split('.');
  assert.equal(mac, createHmac('sha256', ENV.STREAM_SECRET).update(said).digest('base64url'));
});

test('out of hours another persona answers', async () => {
  const { body } = await ask('voice', { To: '+14155550107' });
  assert.equal(parameters(body).persona, 'night');
  assert.equal(claims(parameters(body).token).per, 'night');
});

test('out of hours Twilio alone speaks', async () => {
  const { body } = await ask('voice', { To: '+14155550105' });
  assert.match(
    body,
    /<Say language="en-GB">Words before voicemail.<\/Say><Record action="https:\/\/gw-1234-dev.twil.io\/done"/,
  );
});

test('a language that Twilio has no voice for is left to its own', async () => {
  const { body } = await ask('voice', { To: '+14155550104' });
  assert.match(body, /<Response><Say>Words before hangup.<\/Say>/);
});

for (const [From, shown] of [
  ['+14155550199', ''],
  ['anonymous', ' callerId="\\+14155550106"'],
  ['+266696687', ' callerId="\\+14155550106"'],
  ['client:ann', ' callerId="\\+14155550106"'],
]) {
  test(`who is dialled is shown the caller's number, else the line's: ${From}`, async () => {
    const { body } = await ask('voice', { To: '+14155550106', From });
    assert.match(body, new RegExp(`<Dial action="[^"]*" method="POST" timeout="20" timeLimit="7200"${shown}>`));
  });
}

test('a caller who is denied is rejected', async () => {
  const { body, logs } = await ask('voice', { To: BARE, From: '+19005550100' });
  assert.match(body, /<Response><Reject reason="rejected"\/><\/Response>$/);
  assert.equal(JSON.parse(logs[0]).code, 'denied');
});

for (const To of ['+14155550111', '', '__proto__', undefined, ['+14155550100', '+14155550101']]) {
  test(`a number that nobody owns is rejected: ${JSON.stringify(To)}`, async () => {
    const { status, body } = await ask('voice', { To });
    assert.equal(status, 200);
    assert.match(body, /<Response><Reject reason="rejected"\/><\/Response>$/);
  });
}

test('a line that was bought by search is found by its name, and keeps it on every way', async () => {
  const { body } = await ask('voice', { To: '+14155550111', line: 'desk/bought' });
  assert.equal(parameters(body).line, 'bought');
  assert.match(body, /\/after\?attempt=1&amp;line=desk\/bought"/);
});

for (const line of [
  'desk/bare',
  'desk/none',
  'none/bought',
  'desk',
  '/',
  '__proto__/bought',
  'desk/bought/x/../bare',
]) {
  test(`a name that is no bought line opens nothing: ${line}`, async () => {
    const { body } = await ask('voice', { To: '+14155550111', line });
    assert.equal(/<Reject/.test(body), !line.startsWith('desk/bought'));
  });
}

test('the number that was dialled counts more than a name in the URL', async () => {
  const { body } = await ask('voice', { To: BARE, line: 'desk/bought' });
  assert.equal(parameters(body).line, 'bare');
  assert.doesNotMatch(body, /bought/);
});

test('the same webhook twice: two documents, two tokens for the one call', async () => {
  const [first, second] = [await ask('voice', { To: BARE }), await ask('voice', { To: BARE })].map(
    ({ body }) => parameters(body).token,
  );
  assert.equal(claims(first).sid, claims(second).sid);
  assert.notEqual(claims(first).n, claims(second).n);
});

test("a caller's number is cut and filtered", async () => {
  const { body } = await ask('voice', {
    To: BARE,
    From: `sip:a\u0000\u200b\u2028b\ud800 "<&'@example.com${'x'.repeat(100)}`,
  });
  assert.equal(parameters(body).from, `sip:ab &quot;&lt;&amp;'@example.com${'x'.repeat(41)}`);
});

for (const From of ['', 'anonymous', '+266696687']) {
  test(`a withheld number is answered: ${From || 'none'}`, async () => {
    assert.equal(parameters((await ask('voice', { To: BARE, From })).body).from, From);
  });
}

for (const PREWARM_MS of [undefined, '', '0', 'x', '-1', '1000', '1e2']) {
  test(`no call waits for the core where its owner gave no time for it: ${PREWARM_MS}`, async () => {
    const asked = [];
    const core = async (url) => asked.push(url);
    assert.match((await ask('voice', { To: BARE }, { core, env: { PREWARM_MS } })).body, /<Stream name="gw-1"/);
    assert.deepEqual(asked, []);
  });
}

test('the core hears of the stream before the call is answered, and is waited for as long as its owner said', async () => {
  const asked = [];
  const hanging = (url, options) => (asked.push([url, options]), new Promise(() => {}));
  const begun = Date.now();
  const { body } = await ask('voice', { To: BARE }, { core: hanging, env: WARM });
  const waited = Date.now() - begun;
  assert.ok(waited >= 195 && waited < 600, `${waited} ms`);
  assert.match(body, /<Stream name="gw-1"/);
  const [[url, { method, headers, body: form, redirect, signal }], ...rest] = asked;
  assert.deepEqual(rest, []);
  const path = `/calls/${CALL.CallSid}/warm`; // numbers are no part of it: the core's host logs it
  assert.equal(url, `https://core.example${path}`);
  assert.equal(form, 'flow=desk&line=bare&persona=ava&from=%2B14155550199&to=%2B14155550100');
  assert.deepEqual([method, headers['Content-Type']], ['POST', 'application/x-www-form-urlencoded']);
  const text = `POST\n${path}\n${headers['X-Gateway-Time']}\n${form}`;
  const signature = createHmac('sha256', ENV.STREAM_SECRET).update(text).digest('base64url');
  assert.equal(headers['X-Gateway-Signature'], signature);
  assert.deepEqual([redirect, signal instanceof AbortSignal], ['error', true]);
});

test('a core that has heard of the call holds the answer no longer', async () => {
  const begun = Date.now();
  const core = async () => new Response('{"warming":true}', { status: 202 });
  await ask('voice', { To: BARE }, { core, env: { PREWARM_MS: '999' } });
  assert.ok(Date.now() - begun < 500);
});

const DEAF = {
  'one that nobody reaches': async () => {
    throw new TypeError('fetch failed');
  },
  'one that breaks at once': () => {
    throw new RangeError('broken');
  },
  'one without room': async () => new Response('{"error":"no room"}', { status: 503 }),
  'one that says nothing': async () => new Response(null, { status: 202 }),
  'one that never ends': async () => new Response(new ReadableStream({ pull: () => new Promise(() => {}) })),
  'one whose answer breaks': async () => new Response(new ReadableStream({ cancel: () => Promise.reject(Error()) })),
};
for (const [what, core] of Object.entries(DEAF)) {
  test(`a core that can't get ready is nobody's business: ${what}`, async () => {
    const { body, logs } = await ask('voice', { To: BARE }, { core, env: WARM });
    assert.match(body, /<Stream name="gw-1"/);
    assert.doesNotMatch(logs.join('\n'), /function-failed/);
  });
}

test('nobody is woken for a call that is refused or announced', async () => {
  const asked = [];
  for (const form of [{ To: '+14155550105' }, { To: BARE, From: '+1900' }, { To: '' }]) {
    await ask('voice', form, { core: async (url) => asked.push(url), env: WARM });
  }
  assert.deepEqual(asked, []);
});

const BROKEN = {
  'no CORE_URL': { env: { CORE_URL: '' } },
  'a CORE_URL that is not https': { env: { CORE_URL: 'http://core.example' } },
  'a CORE_URL with a query': { env: { CORE_URL: 'https://core.example?x=1' } },
  'no STREAM_SECRET': { env: { STREAM_SECRET: undefined } },
};
for (const [what, given] of Object.entries(BROKEN)) {
  test(`${what}: the line's fallback answers`, async () => {
    const { status, body, logs } = await ask('voice', { To: '+14155550102' }, given);
    assert.equal(status, 200);
    assert.match(body, /<Say language="en-GB">Words before voicemail.<\/Say><Record/);
    assert.match(
      logs.join('\n'),
      /"event":"function-failed","function":"voice",.*"error":"(CORE_URL|STREAM_SECRET) is not/,
    );
  });
}

const WITHOUT = {
  'no artefact': null,
  'no JSON': '{',
  'another format': '{"format":2}',
  'an empty one': '{"format":1}',
  null: 'null',
};
for (const [what, artefact] of Object.entries(WITHOUT)) {
  test(`${what}: a sentence and the end, for each way in`, async () => {
    for (const name of ['voice', 'after', 'done', 'fallback']) {
      const { status, body } = await ask(name, { To: BARE, attempt: '3', DialCallStatus: 'busy' }, { artefact });
      assert.equal(status, 200);
      assert.match(body, /<Response><Say language="en-US">Sorry, [^<]+<\/Say><Hangup\/><\/Response>$/);
    }
  });
}

test('a name too long for a parameter is a fallback, not a dead line', async () => {
  const artefact = flows();
  artefact.flows['x'.repeat(600)] = artefact.flows.desk;
  artefact.lines['+14155550102'] = ['x'.repeat(600), 'records'];
  const { body, logs } = await ask('voice', { To: '+14155550102' }, { artefact });
  assert.match(body, /<Record/);
  assert.match(logs.join('\n'), /"error":"RangeError","at":"twiml.private.js:\d+"/);
});

test("logs hold no number and nobody's words", async () => {
  const faults = [{}, { env: { CORE_URL: '' } }, { artefact: null }, { artefact: '{"format":1}' }];
  const calls = [
    ['+14155550103', '+14155550199'],
    ['+14155550188', '+14155550199'], // nobody's number
    ['+14155550103', '+19005550100'], // a caller who is denied
  ];
  const ways = ['voice', 'after', 'done', 'fallback'].flatMap((name) => calls.map((call) => [name, ...call]));
  for (const given of faults) {
    for (const [name, To, From] of ways) {
      const { logs } = await ask(name, { To, From, attempt: '2', DialCallStatus: 'busy' }, given);
      assert.ok(logs.length, `${name} ${To}`);
      assert.doesNotMatch(logs.join('\n'), /4155550|9005550|Words|secret/);
      for (const entry of logs) assert.equal(typeof JSON.parse(entry).event, 'string');
    }
  }
});
