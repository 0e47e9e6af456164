"""Random streams: one seed, and an independent stream for each named purpose and step."""

from __future__ import annotations

import zlib

import numpy as np

from recsmith.errors import InvalidValue


def generator(seed: int, *stream: str | int) -> np.random.Generator:
    """Returns the generator of a named stream; the same seed and names give the same numbers.

    A step's numbers depend on its name alone (`generator(seed, "bpr", epoch)`), not on what was
    drawn before, so work that stops after an epoch goes on exactly as if it had not stopped.
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise InvalidValue("seed", "a whole number, 0 or more", seed)
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *map(_key, stream)])))


def _key(part: str | int) -> int:
    return part if isinstance(part, int) else zlib.crc32(part.encode())
