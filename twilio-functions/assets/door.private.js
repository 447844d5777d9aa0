'use strict';
// What every webhook's Function stands in. Whatever breaks inside, the caller is answered with status 200: by the line's
// fallback, else by a sentence. Logs hold names and SIDs, no number and nobody's words.
const { randomBytes } = require('node:crypto');

const FORMAT = 1;
const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;
// no user, query or fragment
const ADDRESS = /^(https?):\/\/((?:\[[\da-fA-F:.]+\]|[\w.-]+)(?::\d{1,5})?)(?:\/[\w.~/-]*)?$/;
const FIELDS = 'To From CallSid AccountSid DialCallStatus ErrorCode line attempt failed unheard'.split(' ');
const LAST = new Set(['fallback', 'done']);
// Should even the fallback break: no code stands between this and the caller.
const LAST_WORDS =
  '<?xml version="1.0" encoding="UTF-8"?><Response><Say language="en-US">' +
  "Sorry, we can't take your call right now. Please try again later.</Say><Hangup/></Response>";

/** A fault of the operator: its words hold no value and may be logged. */
class Fault extends Error {}

/** A handler that answers with TwiML. `answer(call)`: {artefact, settings, form, base, nowMs, nonce(), fetch, note()}.
 *  `name` is the answer's in front.private.js. */
function door(name) {
  return function handler(context, event, callback) {
    answered(name, context, event).then((xml) => callback(null, reply(200, 'text/xml', xml)));
  };
}

/** The document. Never rejects: whatever breaks, there is one. */
async function answered(name, context, event) {
  const note = (what, fields) => write('log', { event: what, call_sid: one(event.CallSid), ...fields });
  const call = opened(context, event, note);
  try {
    return await front()[name](call);
  } catch (error) {
    write('error', { event: 'function-failed', function: name, call_sid: one(event.CallSid), ...harmless(error) });
    return recovered(name, call);
  }
}

/** A handler of a status callback: logs these fields of it and answers nothing. */
function logged(name, fields) {
  return function handler(context, event, callback) {
    const kept = Object.entries(fields).map(([label, field]) => [label, one(event[field]).slice(0, 200)]);
    write('log', { event: name, ...Object.fromEntries(kept) });
    callback(null, reply(204, 'text/plain', ''));
  };
}

/** The compiled flows. Throws Fault. */
function artefact() {
  const asset = Runtime.getAssets()['/flows.json'];
  if (!asset) throw new Fault('there is no assets/flows.private.json: run gateway compile');
  let content;
  try {
    content = JSON.parse(asset.open());
  } catch {
    throw new Fault('assets/flows.private.json is no JSON: run gateway compile');
  }
  if (content?.format !== FORMAT) throw new Fault('assets/flows.private.json has another format: run gateway compile');
  return content;
}

/** The environment of the Functions. Throws Fault. */
function settings(context) {
  const core = coreOf(context.CORE_URL ?? '');
  const secret = (context.STREAM_SECRET ?? '').trim(); // as the core reads it
  if (!secret) throw new Fault('STREAM_SECRET is not set');
  const prewarmMs = /^\d{1,3}$/.test(context.PREWARM_MS ?? '') ? Number(context.PREWARM_MS) : 0;
  return { core, secret, prewarmMs };
}

/** The core's URL without a slash at its end, as gateway/settings.py takes PUBLIC_URL. http is for this machine.
 *  Throws Fault. */
function coreOf(written) {
  const core = written.trim().replace(/\/+$/, '');
  if (!core) throw new Fault('CORE_URL is not set: it takes the https:// address of the core');
  const [, scheme, host] = ADDRESS.exec(core) ?? [];
  const safe = scheme === 'https' || LOOPBACK.test(host);
  if (!host || !safe || !(URL.canParse(core) && new URL(core).port !== '0')) throw new Fault('CORE_URL is not the https:// address of the core');
  return core;
}

function front() {
  return require(Runtime.getAssets()['/front.js'].path);
}

/** A call as the answers know it. Flows and settings are read when they are asked for: to hang up takes neither. */
function opened(context, event, note) {
  const host = context.DOMAIN_NAME;
  return {
    get artefact() {
      return artefact();
    },
    get settings() {
      return settings(context);
    },
    form: Object.fromEntries(FIELDS.map((name) => [name, one(event[name])])),
    base: `${LOOPBACK.test(host) ? 'http' : 'https'}://${host}`,
    nowMs: Date.now(),
    nonce: () => randomBytes(9).toString('base64url'),
    fetch: globalThis.fetch,
    note,
  };
}

/** The way out of a failed answer. Where the fallback itself has just failed, or has been heard, it isn't tried anew. */
function recovered(name, call) {
  try {
    return LAST.has(name) ? LAST_WORDS : front().fallback(call);
  } catch {
    return LAST_WORDS; // the first error is logged
  }
}

/** An answer. A body of type application/json is an object: the runtime writes it as JSON, a text too. */
function reply(status, type, body) {
  const response = new Twilio.Response();
  response.setStatusCode(status);
  response.appendHeader('Content-Type', type);
  response.setBody(body);
  return response;
}

/** A field that came once; Twilio repeats none that we read. */
function one(value) {
  return typeof value === 'string' ? value : '';
}

/** What may be logged of an error: its kind and place. Its words may hold a caller's. */
function harmless(error) {
  if (error instanceof Fault) return { error: error.message };
  const [, place] = /\n\s+at .*?([\w.-]+:\d+):\d+\)?(?:\n|$)/.exec(error?.stack ?? '') ?? [];
  return { error: error?.name, at: place };
}

function write(level, fields) {
  console[level](JSON.stringify(fields));
}

module.exports = { door, logged, artefact, coreOf, settings, reply, Fault };
