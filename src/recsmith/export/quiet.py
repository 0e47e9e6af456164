"""Silence around exporters: what they print, log and warn of goes nowhere."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keeps Python's and C++'s chatter from standard output and error; `--json` stays one document."""
    before = logging.root.manager.disable
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    nowhere = io.StringIO()
    with warnings.catch_warnings(), contextlib.ExitStack() as stack:
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        stack.callback(logging.disable, before)
        stack.enter_context(contextlib.redirect_stdout(nowhere))
        stack.enter_context(contextlib.redirect_stderr(nowhere))
        for descriptor in (1, 2):
            stack.enter_context(_descriptor_away(descriptor))
        yield


@contextlib.contextmanager
def _descriptor_away(descriptor: int) -> Iterator[None]:
    """Sends a file descriptor into a temporary file: C++ writes there without asking Python."""
    for stream in (sys.__stdout__, sys.__stderr__):
        if stream is not None:
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
    try:
        kept = os.dup(descriptor)
    except OSError:  # closed: nothing to keep quiet
        yield
        return
    with tempfile.TemporaryFile() as away:
        os.dup2(away.fileno(), descriptor)
        try:
            yield
        finally:
            os.dup2(kept, descriptor)
            os.close(kept)
