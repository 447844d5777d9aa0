'use strict';
// TwiML: the documents that answer a call and those that go on from it. Pure; gateway/twilio/twiml.py says the same, and
// tests/contract/twiml.json holds the two together.
//
// A place is what a document must know of the call:
// {core, functions: base URLs; search: flow and label of a line that was found by ?line=, else ''; language: the locale
//  in which Twilio reads, '' its own; callerId: what a dialled number is shown, '' the caller's own; fallback: the line's
//  announcement or null; callSid, accountSid, flow, line, persona, hash, from, to, attempt, failed, unheard, token}.
const VoiceResponse = require('twilio/lib/twiml/VoiceResponse');

const MAX_PARAMETER = 500; // name and value of one <Parameter> together stay below this (twilio.com/docs/voice/twiml/stream)
const MAX_NUMBER = 64; // of a caller: E.164 has 16 characters, a SIP address may have more
const MAX_SAY = 4096; // characters that <Say> takes
const RECORD_S = 120;
const DIAL_S = 20; // that it rings
const TALK_S = 7200; // that a dialled call lasts at most: nobody pays for a line left open
const SORRY = "Sorry, we can't take your call right now. Please try again later.";
const SORRY_LANGUAGE = 'en-US';
const PARAMETERS = ['token', 'flow', 'line', 'persona', 'hash', 'attempt', 'from', 'to'];
const NOT_XML = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;
const UNPRINTABLE = /(?! )[\p{C}\p{Z}]/gu;

/** The document for a route: {outcome: answer | announce | refuse, announcement, reason}. */
function ofRoute(route, place) {
  if (route.outcome === 'answer') return stream(place);
  if (route.outcome === 'announce') return announce(route.announcement, place);
  return reject(route.reason);
}

/** The document for what comes next, but for a stream: {next: hangup | fallback | dial | voicemail, …}. */
function ofNext(step, place) {
  if (step.next === 'fallback') return fallback(place);
  const answer = new VoiceResponse();
  if (step.next === 'dial') dial(answer, step.to, step.timeout_s, place);
  else if (step.next === 'voicemail') record(answer, step.say, step.max_length_s, place);
  else answer.hangup();
  return answer.toString();
}

/** Opens the stream. However it ends, and should Twilio not ask `action`, /after decides what follows. */
function stream(place) {
  const after = link(place, '/after', place);
  const answer = new VoiceResponse();
  const media = answer.connect({ action: after, method: 'POST' }).stream({
    name: `gw-${place.attempt}`,
    url: `${place.core.replace(/^http/, 'ws')}/ws/twilio`,
    statusCallback: `${place.functions}/stream-status`,
    statusCallbackMethod: 'POST',
  });
  const given = { ...place, from: printable(place.from), to: printable(place.to) };
  for (const name of PARAMETERS) media.parameter(parameter(name, String(given[name])));
  answer.redirect({ method: 'POST' }, after);
  return answer.toString();
}

/** Says the words, then hangs up, records a message or dials. */
function announce({ say, then, to }, place) {
  const answer = new VoiceResponse();
  if (then === 'voicemail') {
    record(answer, say, RECORD_S, place);
    return answer.toString();
  }
  speak(answer, say, place);
  if (then === 'dial') dial(answer, to, DIAL_S, place);
  else answer.hangup();
  return answer.toString();
}

/** What the line says when no agent can answer. */
function fallback(place) {
  return place?.fallback ? announce(place.fallback, place) : sorry();
}

/** The last words of a line that has none of its own. */
function sorry() {
  const answer = new VoiceResponse();
  answer.say({ language: SORRY_LANGUAGE }, SORRY);
  answer.hangup();
  return answer.toString();
}

/** Refuses a call before it is answered: the caller hears busy, or that the number isn't in service. */
function reject(reason) {
  const answer = new VoiceResponse();
  answer.reject({ reason });
  return answer.toString();
}

function dial(answer, to, timeout, place) {
  const shown = place.callerId ? { callerId: place.callerId } : {};
  answer.dial({ action: link(place, '/done'), method: 'POST', timeout, timeLimit: TALK_S, ...shown }, to);
}

function record(answer, say, maxLength, place) {
  speak(answer, say, place);
  answer.record({
    action: link(place, '/done'),
    method: 'POST',
    maxLength,
    playBeep: true,
    recordingStatusCallback: `${place.functions}/voicemail`,
    recordingStatusCallbackMethod: 'POST',
  });
  answer.hangup(); // reached when nothing was recorded: Twilio then asks no action
}

function speak(answer, say, { language }) {
  if (say) answer.say(language ? { language } : {}, words(say));
}

/** The URL of a door that must know the call's line. */
function link(place, path, { attempt, failed, unheard } = {}) {
  const line = place.search.split('/').map(encodeURIComponent).join('/');
  const tries = [attempt && `attempt=${attempt}`, failed && `failed=${failed}`, unheard && 'unheard=1'];
  const query = [...tries, line && `line=${line}`].filter(Boolean).join('&');
  return `${place.functions}${path}${query && `?${query}`}`;
}

function parameter(name, value) {
  if (name.length + value.length >= MAX_PARAMETER) throw new RangeError(`the parameter ${name} is too long for Twilio`);
  return { name, value: value.replace(NOT_XML, '') };
}

function printable(number) {
  return [...number.replace(UNPRINTABLE, '')].slice(0, MAX_NUMBER).join('');
}

function words(say) {
  return [...say.replace(NOT_XML, ' ')].slice(0, MAX_SAY).join('');
}

module.exports = { ofRoute, ofNext, stream, fallback, reject, sorry };
