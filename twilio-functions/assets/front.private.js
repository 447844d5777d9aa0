'use strict';
// What happens to a call: it is answered, goes on, falls back. Each answer takes a call (see door.private.js) and
// gives TwiML.
const asset = (name) => require(Runtime.getAssets()[`/${name}.js`].path);
const { route, lookup, withheld } = asset('route');
const { locale } = asset('say');
const { mint, mac } = asset('token');
const documents = asset('twiml');
const core = asset('core');

const NEXT_MS = 2000;
const UNHEARD = new Set(['no-answer', 'busy', 'failed', 'canceled']); // DialCallStatus of a call nobody took

/** The number was dialled. */
function voice(call) {
  const place = placed(call);
  if (!place) {
    call.note('call-refused', { why: 'no line has the number that was dialled' });
    return documents.reject('rejected');
  }
  return routed(call, place, { attempt: 1, failed: 0 });
}

/** The stream has ended. */
async function after(call) {
  const tries = core.triesOf(call.form);
  const said = await core.next(peer(call, NEXT_MS), call.form.CallSid, tries);
  const step = core.follow(said, tries);
  call.note('stream-over', { ...tries, heard_core: said !== null, next: step.next });
  if (step.next === 'hangup') return documents.ofNext(step);
  const place = placed(call);
  if (step.next !== 'stream') return documents.ofNext(step, place ?? unplaced(call));
  const again = { attempt: tries.attempt + 1, failed: step.failed, unheard: step.unheard };
  return place ? streamed(call, place, step.persona, again) : documents.sorry();
}

/** A dialled party or a recording has ended. */
function done(call) {
  const unheard = UNHEARD.has(call.form.DialCallStatus);
  call.note('done', { dial: call.form.DialCallStatus });
  if (!unheard) return documents.ofNext({ next: 'hangup' });
  const place = placed(call);
  return place?.fallback?.then === 'dial' ? documents.sorry() : documents.fallback(place);
}

/** Nothing else could answer. */
function fallback(call) {
  call.note('fallback', { error: call.form.ErrorCode });
  return documents.fallback(placed(call));
}

function streamed(call, place, persona, tries) {
  if (!Object.hasOwn(place.personas, persona)) return routed(call, place, tries);
  return connected(call, { ...place, ...tries, persona });
}

/** By the rules that answer calls: (line, moment, caller). A call already answered can't be rejected any more. */
function routed(call, place, tries) {
  const { attempt } = tries;
  const usage = { calls: 0, from_caller: 0 }; // only the core counts calls
  const found = route(call.artefact, place.flow, place.line, call.nowMs, place.from, usage);
  call.note('call-routed', { flow: place.flow, line: place.line, outcome: found.outcome, code: found.code, attempt });
  if (found.outcome === 'refuse' && attempt > 1) return documents.fallback(place);
  if (found.outcome !== 'answer') return documents.ofRoute(found, place);
  return connected(call, { ...place, ...tries, persona: found.persona });
}

/** Where the owner has given time for it, the core hears of the stream before Twilio does, and gets ready. What still
 *  runs when a Function has answered is ended (twilio.com/docs/serverless/functions-assets/functions/invocation), so a
 *  request that nobody waits for is never sent. */
async function connected(call, place) {
  const { core: base, secret, prewarmMs } = call.settings;
  if (prewarmMs) await core.warm(peer(call, prewarmMs), place);
  return documents.stream({ ...place, core: base, token: mint(secret, place, call.nowMs, call.nonce()) });
}

function peer(call, timeoutMs) {
  const { core: base, secret } = call.settings;
  return { fetch: call.fetch, core: base, sign: (text) => mac(secret, text), nowMs: call.nowMs, timeoutMs };
}

/** The place of a call (see twiml.private.js) on the line that was dialled, or null. Needs no settings. */
function placed(call) {
  const { artefact, form } = call;
  const dialled = lookup(artefact, form.To);
  const found = dialled ?? searched(artefact, form.line);
  if (!found) return null;
  const flow = artefact.flows[found.flow];
  const line = flow.numbers.find((number) => number.label === found.line);
  return {
    ...unplaced(call),
    search: dialled ? '' : form.line,
    flow: found.flow,
    line: found.line,
    language: locale(line.language || flow.personas[line.persona].languages.primary),
    callerId: withheld(form.From) && !withheld(form.To) ? form.To : '', // without one Twilio may refuse to dial (13214)
    fallback: line.fallback,
    personas: flow.personas,
    hash: artefact.hash,
  };
}

/** What is known of a call whose line is not in the artefact. */
function unplaced({ form, base }) {
  const { CallSid: callSid, AccountSid: accountSid, From: from, To: to } = form;
  return { functions: base, search: '', language: 'en-US', callSid, accountSid, from, to };
}

/** The line that `flow/label` names, if it has no number of its own: one that was bought by search. */
function searched(artefact, written) {
  const [name, label] = written.split('/');
  if (!Object.hasOwn(artefact.flows, name)) return null;
  const line = artefact.flows[name].numbers.find((number) => number.label === label && !number.number);
  return line ? { flow: name, line: label } : null;
}

module.exports = { voice, after, done, fallback };
