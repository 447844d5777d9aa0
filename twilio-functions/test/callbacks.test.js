'use strict';
const assert = require('node:assert/strict');
const { test } = require('node:test');
const { ask, flows } = require('./rig');

const HANGUP = /<Response><Hangup\/><\/Response>$/;
const SORRY = /<Response><Say language="en-US">Sorry, [^<]+<\/Say><Hangup\/><\/Response>$/;

for (const DialCallStatus of ['completed', 'answered', undefined, '']) {
  test(`done: a talk or a recording is over (${DialCallStatus}), whatever else is broken`, async () => {
    assert.match((await ask('done', { To: '+14155550102', DialCallStatus })).body, HANGUP);
    assert.match(
      (await ask('done', { DialCallStatus }, { artefact: null, env: { CORE_URL: '', STREAM_SECRET: '' } })).body,
      HANGUP,
    );
  });
}

for (const DialCallStatus of ['no-answer', 'busy', 'failed', 'canceled']) {
  test(`done: nobody took the call (${DialCallStatus})`, async () => {
    assert.match(
      (await ask('done', { To: '+14155550102', DialCallStatus })).body,
      /Words before voicemail.<\/Say><Record /,
    );
    assert.match(
      (await ask('done', { To: '+14155550103', DialCallStatus })).body,
      SORRY,
      'the fallback is itself a dial',
    );
    assert.match((await ask('done', { To: '+14155550100', DialCallStatus })).body, SORRY);
    assert.match((await ask('done', { To: '+14155550111', DialCallStatus })).body, SORRY);
  });
}

for (const [name, words] of [
  ['voice', /<Say language="de-DE">Words before dial.<\/Say><Dial /],
  ['after', /<Say language="de-DE">Words before dial.<\/Say><Dial /],
  ['done', SORRY], // the fallback has dialled: nobody took the call, and it would ring there without end
  ['fallback', SORRY],
]) {
  test(`${name} that breaks is recovered by the line's fallback, unless that was heard or has just broken`, async () => {
    let readings = 0;
    const artefact = () => (++readings === 1 ? '{' : JSON.stringify(flows())); // broken once, and well at once after
    const form = { To: '+14155550103', attempt: '2', failed: '1', DialCallStatus: 'busy' };
    const { body, logs } = await ask(name, form, { artefact });
    assert.match(body, words);
    assert.match(logs.join('\n'), new RegExp(`"event":"function-failed","function":"${name}"`));
  });
}

test('fallback: the words of the line, in its language, without settings', async () => {
  const env = { CORE_URL: '', STREAM_SECRET: '' };
  const { body, logs } = await ask('fallback', { To: '+14155550103', ErrorCode: '11200' }, { env });
  assert.match(body, /<Say language="de-DE">Words before dial.<\/Say><Dial [^>]+>\+14155550123<\/Dial>/);
  assert.equal(JSON.parse(logs[0]).error, '11200');
});

test('fallback: a bought line, and a number that nobody owns', async () => {
  assert.match(
    (await ask('fallback', { To: '', line: 'desk/bought' })).body,
    /<Record action="[^"]+\/done\?line=desk\/bought"/,
  );
  assert.match((await ask('fallback', { To: '' })).body, SORRY);
});

test('stream-status: why a stream failed', async () => {
  const form = { StreamSid: 'MZ1', StreamName: 'gw-1', StreamEvent: 'stream-error', StreamError: '31920' };
  const { status, body, logs } = await ask('stream-status', form);
  assert.deepEqual([status, body], [204, '']);
  const { call_sid, ...rest } = JSON.parse(logs[0]);
  assert.deepEqual(rest, {
    event: 'stream-status',
    stream_sid: 'MZ1',
    stream: 'gw-1',
    what: 'stream-error',
    error: '31920',
  });
});

test('voicemail: SIDs and a duration, not where the sound is', async () => {
  const form = {
    RecordingSid: 'RE1',
    RecordingStatus: 'completed',
    RecordingDuration: '17',
    RecordingUrl: 'https://x/RE1',
  };
  const { status, logs } = await ask('voicemail', form);
  assert.equal(status, 204);
  const { call_sid, ...rest } = JSON.parse(logs[0]);
  assert.deepEqual(rest, { event: 'voicemail', recording_sid: 'RE1', status: 'completed', duration_s: '17' });
});

test('health', async () => {
  const { status, body } = await ask('health', {});
  const { version } = require('../package.json');
  const runtime = `node ${process.versions.node}`;
  const well = { ok: true, version, runtime, format: 1, hash: 'f'.repeat(64), flows: 1 };
  assert.deepEqual([status, body], [200, well]);
});

for (const given of [{ env: { CORE_URL: '' } }, { artefact: null }, { artefact: '{"format":1}' }]) {
  test(`health: ill (${JSON.stringify(given)})`, async () => {
    const { status, body } = await ask('health', {}, given);
    const { ok, why } = body;
    assert.deepEqual([status, ok], [503, false]);
    assert.match(why, /CORE_URL|flows.private.json/);
  });
}
