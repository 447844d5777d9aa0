'use strict';
// The core's doors, as the Functions use them: what comes next for a call, and that its stream will come.
// `fetch`, time and limits are arguments; neither function ever throws.

const MAX_ATTEMPT = 3; // streams of one call
const MAX_ANSWER = 16 * 1024; // characters
const NUMBER = /^\+[1-9]\d{6,14}$/;

/** What the core says should follow the call's stream `attempt`, or null: silent, unreachable, unknown call, garbage.
 *  link: {fetch, core, sign(text) -> base64url, nowMs, timeoutMs}. */
async function next(link, callSid, attempt) {
  try {
    const answer = await knock(link, callSid, `next?attempt=${attempt}`);
    if (answer.status !== 200) return null;
    const text = await answer.text();
    return text.length > MAX_ANSWER ? null : read(JSON.parse(text), attempt);
  } catch {
    return null; // the caller goes on without the core
  }
}

/** A step as the contract has it, or null. */
function read(said, attempt) {
  switch (said?.next) {
    case 'hangup':
    case 'fallback':
      return { next: said.next };
    case 'stream':
      return said.attempt === attempt + 1 ? { next: 'stream', persona: text(said.persona) } : null;
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

/** What follows: the core's word where it has one, else one more stream, else the line's fallback; never a fourth stream. */
function follow(step, attempt) {
  const chosen = step ?? { next: attempt === 1 ? 'stream' : 'fallback' };
  return chosen.next === 'stream' && attempt >= MAX_ATTEMPT ? { next: 'fallback' } : chosen;
}

/** Tells the core that the call's stream will come, so that an instance is awake and its session with the model open.
 *  Over when the core has heard it, or after link.timeoutMs: its end, good or bad, is nobody's business. place: see
 *  twiml.private.js. */
async function warm(link, place) {
  const { flow, line, persona, from, to } = place;
  const form = new URLSearchParams({ flow, line, persona, from, to });
  let timer;
  const patience = new Promise((resolve) => (timer = setTimeout(resolve, link.timeoutMs)));
  try {
    await Promise.race([knock(link, place.callSid, 'warm', form), patience]);
  } catch {
    // the stream opens its session itself
  }
  clearTimeout(timer);
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

module.exports = { next, follow, warm, MAX_ATTEMPT };
