'use strict';
// The core's doors, as the Functions use them: what comes next for a call, and that its stream will come.
// `fetch`, time and limits are arguments; neither function ever throws.

const MAX_STREAMS = 20; // of one call, however they end
const MAX_FAILED = 2; // in a row that broke soon, as the core counts them
const MAX_ANSWER = 16 * 1024; // characters
const NUMBER = /^\+[1-9]\d{6,14}$/;

/** Which stream of its call a query speaks of, from 1, how many before it in a row broke soon, and whether the core said
 *  nothing before it. What says nothing sensible is the last. */
function triesOf({ attempt, failed, unheard }) {
  const nth = /^[1-9]\d?$/.test(attempt) ? Math.min(Number(attempt), MAX_STREAMS) : MAX_STREAMS;
  return { attempt: nth, failed: /^[0-2]$/.test(failed) ? Number(failed) : 0, unheard: unheard === '1' };
}

/** What the core says should follow that stream of the call, or null: silent, late, unreachable, garbage.
 *  link: {fetch, core, sign(text) -> base64url, nowMs, timeoutMs}. */
async function next(link, callSid, { attempt, failed }) {
  const door = `next?attempt=${attempt}${failed ? `&failed=${failed}` : ''}`;
  try {
    const text = await atMost(link.timeoutMs, told(link, callSid, door));
    return text.length > MAX_ANSWER ? null : read(JSON.parse(text), attempt);
  } catch {
    return null; // the caller goes on without the core
  }
}

async function told(link, callSid, door) {
  const answer = await knock(link, callSid, door);
  return answer.status === 200 ? answer.text() : '';
}

/** A step as the contract has it, or null. */
function read(said, attempt) {
  switch (said?.next) {
    case 'hangup':
    case 'fallback':
      return { next: said.next };
    case 'stream': {
      const well = said.attempt === attempt + 1 && within(said.failed, 0, MAX_FAILED);
      return well ? { next: 'stream', persona: text(said.persona), failed: said.failed } : null;
    }
    case 'dial': {
      const well = NUMBER.test(text(said.to)) && within(said.timeout_s, 5, 600);
      return well ? { next: 'dial', to: said.to, timeout_s: said.timeout_s } : null;
    }
    case 'voicemail': {
      const well = within(said.max_length_s, 1, 3600);
      return well ? { next: 'voicemail', say: text(said.say), max_length_s: said.max_length_s } : null;
    }
    default:
      return null;
  }
}

/** What follows: the core's word where it has one, else one more stream, else the line's fallback; and never a stream
 *  without end. Streams that broke before, of which the core told, take nothing from that one. */
function follow(step, { attempt, failed, unheard }) {
  const again = { next: 'stream', persona: '', failed: Math.min(failed + 1, MAX_FAILED), unheard: true };
  const chosen = step ?? (unheard ? { next: 'fallback' } : again);
  return chosen.next === 'stream' && attempt >= MAX_STREAMS ? { next: 'fallback' } : chosen;
}

/** Tells the core that the call's stream will come, so that an instance is awake and its session with the model open.
 *  Over when the core has heard it, or after link.timeoutMs: its end, good or bad, is nobody's business. place: see
 *  twiml.private.js. */
async function warm(link, place) {
  const { flow, line, persona, from, to } = place;
  const form = new URLSearchParams({ flow, line, persona, from, to });
  try {
    await atMost(link.timeoutMs, knock(link, place.callSid, 'warm', form));
  } catch {
    // the stream opens its session itself
  }
}

/** What the work gives, if it does within so many ms. The signal of a fetch doesn't do alone: it is lost where the
 *  collector runs while an answer is read (nodejs/undici#4068, #4984). */
async function atMost(ms, work) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(reject, ms, new Error('late'));
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** Asks at a door of the call, signed as gateway/twilio/knock.py has it. Numbers go in a form: hosts log URLs. */
function knock({ fetch, core, sign, nowMs, timeoutMs }, callSid, door, form) {
  const path = `/calls/${encodeURIComponent(callSid)}/${door}`;
  const time = String(Math.floor(nowMs / 1000));
  const said = form ? ['POST', path, time, form.toString()] : ['GET', path, time];
  const headers = { 'X-Gateway-Time': time, 'X-Gateway-Signature': sign(said.join('\n')) };
  if (form) headers['Content-Type'] = 'application/x-www-form-urlencoded';
  const [method, , , body] = said;
  return fetch(core + path, { method, headers, body, signal: AbortSignal.timeout(timeoutMs), redirect: 'error' });
}

function text(value) {
  return typeof value === 'string' ? value : '';
}

function within(value, least, most) {
  return Number.isInteger(value) && value >= least && value <= most;
}

module.exports = { next, follow, warm, triesOf };
