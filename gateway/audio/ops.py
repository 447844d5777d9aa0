"""audioop: the standard library's up to Python 3.12, the audioop-lts package from 3.13 on. The one importer of it.

Python 3.11 and 3.12 warn that it will go; that is taken care of, so users needn't read it. Nothing else is silenced.
"""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", "'audioop' is deprecated", DeprecationWarning)
    from audioop import avg, bias, rms, ulaw2lin

__all__ = ["avg", "bias", "rms", "ulaw2lin"]
