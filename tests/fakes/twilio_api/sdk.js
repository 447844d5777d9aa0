'use strict';
// The twilio SDK with its requests sent to a fake in this process. `twilio`: the package; `watch` sees each request
// before and after, and may throw there, as a process that dies.

/** A client of the fake at `port`. `watch({nth, when, answer})`, when: before | after. */
function clientOf(twilio, state, port, watch = () => {}) {
  const plain = new twilio.RequestClient();
  let nth = 0;
  const httpClient = {
    async request(options) {
      nth += 1;
      const mine = nth;
      watch({ nth: mine, when: 'before' });
      const { host, pathname, search } = new URL(options.uri);
      const uri = `http://127.0.0.1:${port}${pathname}${search}`;
      const answer = await plain.request({ ...options, uri, headers: { ...options.headers, Host: host } });
      httpClient.lastResponse = plain.lastResponse;
      watch({ nth: mine, when: 'after', answer });
      return answer;
    },
  };
  return twilio(state.account, state.token, { httpClient });
}

module.exports = { clientOf };
