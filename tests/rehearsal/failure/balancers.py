"""The two balancers as parameters: HAProxy's tests skip where there is none."""

from __future__ import annotations

import pytest

from gateway.rehearsal.failure import haproxy

needs_haproxy = pytest.mark.skipif(
    not haproxy.found(), reason="no haproxy on the PATH (Debian: apt-get install haproxy)"
)
BALANCERS = [pytest.param("own", id="own"), pytest.param("haproxy", id="haproxy", marks=needs_haproxy)]
