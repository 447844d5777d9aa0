'use strict';
// Numbers as code for who holds ADMIN_SECRET. A dry run, unless the form says apply=yes (and buy=yes, take-over=yes).
const { createHash, timingSafeEqual } = require('node:crypto');

const asset = (name) => require(Runtime.getAssets()[`/${name}.js`].path);
const { artefact, settings, reply, Fault } = asset('door');
const plans = asset('numbers-plan');
const account = asset('numbers-account');

const SHORTEST = 32; // of a secret, in characters
const TIME_MS = 7000; // of the 10 s that a Function has
const STRANGER = { error: 'takes the header Authorization: Bearer and the ADMIN_SECRET' };

exports.handler = function handler(context, event, callback) {
  const say = (status, body) => reply(status, 'application/json', body);
  asked(context, event, say).then((answer) => callback(null, answer), callback);
};

async function asked(context, event, say) {
  const pace = account.until(Date.now() + TIME_MS);
  if (!admitted(context.ADMIN_SECRET ?? '', event.request.headers.authorization)) return say(401, STRANGER);
  try {
    const want = plans.desired(artefact(), { domain: context.DOMAIN_NAME, core: settings(context).core });
    const client = context.getTwilioClient();
    if (event.apply !== 'yes')
      return say(200, { plan: plans.plan(want, await account.observe(client, plans, want, pace)) });
    const allowed = { buy: event.buy === 'yes', takeOver: event['take-over'] === 'yes' };
    return say(200, await account.apply(client, plans, want, { allowed, pace }));
  } catch (error) {
    const ours = error instanceof Fault || error instanceof plans.Fault;
    return say(502, { error: ours ? error.message : account.words(error) });
  }
}

function admitted(secret, header) {
  const digest = (text) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(`Bearer ${secret}`), digest(header ?? '')) && secret.length >= SHORTEST;
}
