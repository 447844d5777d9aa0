'use strict';
// The core's doors. A caller waits 2 s for a core that says nothing, whatever it is silent after, tries anew included.
const assert = require('node:assert/strict');
const { once } = require('node:events');
const http = require('node:http');
const { test } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');
const v8 = require('node:v8');
const vm = require('node:vm');
const { ask, says, CALL } = require('./rig');
const core = require('../assets/core.private.js');

const { fetch } = globalThis; // while a Function runs, it finds ours there

v8.setFlagsFromString('--expose-gc');
const collect = vm.runInNewContext('gc');
const SILENT = {
  'from the start': () => {},
  'after its head': (response) => response.writeHead(200, { 'Content-Type': 'application/json' }).flushHeaders(),
  'in mid-answer': (response) => response.writeHead(200).write('{"next":'),
};

/** A core that answers so, until the test is over: its address. */
async function serving(t, answer) {
  const server = http.createServer((request, response) => answer(response));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => (server.close(), server.closeAllConnections()));
  return `http://127.0.0.1:${server.address().port}`;
}

function link(more) {
  return { fetch, core: 'http://127.0.0.1:1', sign: () => 'signed', nowMs: 0, timeoutMs: 100, ...more };
}

/** What happened in turn, from the moment when the core was first asked: 1.8 s, the answer, 2.3 s. Timers of one
 *  process go off in their order, however busy the machine is. */
async function turns(base) {
  const seen = [];
  const marks = [];
  const asked = (url, options) => {
    const answer = fetch(url, options);
    if (!marks.length) marks.push(...[1800, 2300].map((ms) => sleep(ms).then(() => seen.push(ms))));
    return answer;
  };
  const form = { To: '+14155550102', attempt: '2', failed: '1', unheard: '1' };
  const { body } = await ask('after', form, { core: asked, env: { CORE_URL: base } });
  seen.push(/<Say[^>]*>Words before voicemail/.test(body) ? 'the fallback' : body);
  await Promise.all(marks);
  return seen;
}

for (const [when, answer] of Object.entries(SILENT)) {
  test(`a core that is silent ${when} is waited for 2 s`, { timeout: 10_000 }, async (t) => {
    const collector = setInterval(collect, 100); // a fetch may lose its signal to it
    t.after(() => clearInterval(collector));
    assert.deepEqual(await turns(await serving(t, answer)), [1800, 'the fallback', 2300]);
  });
}

test('a core that is not waited for any longer is let go', { timeout: 10_000 }, async (t) => {
  let gone;
  const base = await serving(t, (response) => (gone = once(response, 'close')));
  assert.equal(await core.next(link({ core: base }), CALL.CallSid, { attempt: 1, failed: 0 }), null);
  await gone;
});

test('no timer stays behind an answer', async () => {
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  const before = timers();
  const patient = link({ fetch: says({ next: 'hangup' }), timeoutMs: 60_000 });
  const said = await core.next(patient, CALL.CallSid, { attempt: 1, failed: 0 });
  assert.deepEqual([said, timers()], [{ next: 'hangup' }, before]);
});

test('a step that comes with another status is none', async () => {
  for (const status of [201, 403, 500]) {
    const fetch = says({ next: 'hangup' }, status);
    assert.equal(await core.next(link({ fetch }), CALL.CallSid, { attempt: 1, failed: 0 }), null);
  }
});
