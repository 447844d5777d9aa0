'use strict';
// The stream token: rides in a TwiML <Parameter>, bound to one call, short-lived, used once. The core verifies it
// (gateway/twilio/token.py holds the format); time and nonce are arguments.
const { createHmac } = require('node:crypto');

const TTL_S = 60;

/** base64url(HMAC-SHA256(secret, text)), without padding. */
function mac(secret, text) {
  return createHmac('sha256', secret).update(text).digest('base64url');
}

/** claims: {callSid, accountSid, flow, line, persona, attempt}; nowMs: Unix milliseconds; nonce: unique. */
function mint(secret, claims, nowMs, nonce) {
  if (!secret || !nonce) throw new TypeError('a stream token needs a secret and a nonce');
  const said = {
    sid: claims.callSid,
    acc: claims.accountSid,
    flow: claims.flow,
    line: claims.line,
    per: claims.persona,
    try: claims.attempt,
    exp: Math.floor(nowMs / 1000) + TTL_S,
    n: nonce,
  };
  const body = Buffer.from(JSON.stringify(said)).toString('base64url');
  return `${body}.${mac(secret, body)}`;
}

module.exports = { mint, mac };
