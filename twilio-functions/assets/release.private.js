'use strict';
// Which release these Functions are of: gateway/release.py says the same.
module.exports = '0.1.0';
