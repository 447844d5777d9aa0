'use strict';
// What all of Twilio's REST API has in common: how it says yes, how it refuses, how it pages.
const { randomBytes } = require('node:crypto');

/** A refusal as Twilio words it: HTTP status, its own code (twilio.com/docs/api/errors), a sentence. */
class Refusal extends Error {
  constructor(status, code, message) {
    super(message);
    Object.assign(this, { status, code });
  }

  answer() {
    const { status, code, message } = this;
    return { status, body: { code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status } };
  }
}

function unknown(path) {
  return new Refusal(404, 20404, `The requested resource ${path} was not found`);
}

function invalid(message) {
  return new Refusal(400, 20001, message);
}

function sid(prefix) {
  return prefix + randomBytes(16).toString('hex');
}

/** A page of the 2010 API: `next_page_uri` is relative to the host. */
function page(key, items, { path, query }) {
  const { here, size, number, next } = slice(items, path, query);
  return ok({
    [key]: here,
    page: number,
    page_size: size,
    start: number * size,
    end: number * size + here.length,
    uri: `${path}?${new URLSearchParams(query)}`,
    first_page_uri: `${path}?PageSize=${size}&Page=0`,
    next_page_uri: next,
    previous_page_uri: null,
  });
}

/** A page of the newer APIs: `meta` with whole addresses. */
function meta(key, items, { host, path, query }) {
  const { here, size, number, next } = slice(items, path, query);
  const url = (uri) => uri && `https://${host}${uri}`;
  return ok({
    [key]: here,
    meta: {
      key,
      page: number,
      page_size: size,
      previous_page_url: null,
      next_page_url: url(next),
      url: url(path),
      first_page_url: url(`${path}?PageSize=${size}&Page=0`),
    },
  });
}

function slice(items, path, query) {
  const size = Number(query.PageSize ?? 50);
  const number = Number(query.Page ?? 0);
  if (!(size >= 1 && size <= 1000)) throw invalid('PageSize must be between 1 and 1000');
  const more = items.length > (number + 1) * size;
  const next = new URLSearchParams({ ...query, PageSize: size, Page: number + 1, PageToken: `PT${number + 1}` });
  return { here: items.slice(number * size, (number + 1) * size), size, number, next: more ? `${path}?${next}` : null };
}

function ok(body, status = 200) {
  return { status, body };
}

module.exports = { Refusal, invalid, meta, ok, page, sid, unknown };
