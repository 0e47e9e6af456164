"""One side of benchmarks/speed.py: a process that does a job each time it is told to, and says what it took.

Knows nothing but NumPy, so that it runs in every environment: `python FILE JOB DATA.npz SETTINGS-as-JSON`.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray]
Job = tuple[Callable[[], Any], Callable[[Any], Any], Callable[[Any], Arrays]]
"""fresh() makes the input, work(input) is what is timed, arrays(output) is what is compared."""


def serve(jobs: dict[str, Callable[..., Job]]) -> None:
    """Answers lines on standard input: `run`, or `save PATH` for the last output; ends with the input."""
    warnings.simplefilter("ignore")
    name, path, settings = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    with np.load(path) as stored:
        data = {key: stored[key] for key in stored.files}
    fresh, work, arrays = jobs[name](data, **settings)
    output = None
    print("ready", flush=True)
    for line in sys.stdin:
        command, _, argument = line.strip().partition(" ")
        if command == "save":
            np.savez(argument, **arrays(output))
            print("saved", flush=True)
            continue
        given = fresh()
        wall, cpu = time.perf_counter(), time.process_time()
        output = work(given)
        print(json.dumps([time.process_time() - cpu, time.perf_counter() - wall]), flush=True)
