"""What every command has: --json, --debug, one way to print, one way to fail."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console, JustifyMethod
    from rich.table import Table

    from recsmith.models import Recommender

WRONG_CALL = 2
FAILED = 1
INTERRUPTED = 130
WIDTH_OF_A_PIPE = 160
WORDS = ("title", "because of", "because you liked", "value")
NUMBERS = ("#", "score", "similarity", "adds")

DEBUG_KEY = "recsmith.debug"


def _remember_debug(ctx: typer.Context, value: bool) -> bool:
    # `meta` is one dict for the whole chain of contexts, so the group sees what the command was told.
    if value:
        ctx.meta[DEBUG_KEY] = True
    return value


Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on standard output and nothing else there.")
]
Debug = Annotated[
    bool,
    typer.Option("--debug", callback=_remember_debug, is_eager=True, help="Show the traceback of an error."),
]
Progress = Annotated[bool, typer.Option("--progress/--no-progress", help="Progress bars on standard error.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="A.B=VALUE", help="Edit the recipe before it is read. May be repeated."),
]
ModelPath = Annotated[
    Path, typer.Option("--model", "-m", metavar="RUN", help="A run folder, or a saved model's folder.")
]
ModelClass = Annotated[
    str | None,
    typer.Option(
        "--model-class", metavar="A.B.C", help="Import this class: the model is from outside recsmith."
    ),
]
RunPath = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")]


def example(*commands: str) -> str:
    """Returns the end of a command's --help; a test runs what it shows."""
    return "\n\n".join(f"Example: {command}" for command in commands)


def own_class(path: str | None) -> type[Recommender] | None:
    """Imports the class of a model from outside the house, when the person names one."""
    if path is None:
        return None
    from recsmith.runs.build import model_class

    see_working_folder()
    return model_class(path)


def see_working_folder() -> None:
    """Lets modules of the working folder be imported: a script's own path does not have it."""
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())


def print_json(document: Any) -> None:
    """Writes one JSON document to standard output; NaN and infinity become null."""
    is_utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    text = json.dumps(plain(document), indent=2, ensure_ascii=not is_utf8, allow_nan=False)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def plain(value: Any) -> Any:
    """Turns NumPy numbers, paths, dates and dataclass-like mappings into what JSON has."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, str) or value is None or isinstance(value, bool):
        return value
    if isinstance(value, Sequence) or type(value).__name__ == "ndarray":
        return [plain(inner) for inner in value]
    if type(value).__module__ == "numpy":
        return plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, int) else str(value)


def out() -> Console:
    """The console for results."""
    from rich.console import Console

    # A pipe has no width; eighty columns would cut the tables of everyone who writes them to a file.
    return Console(width=None if sys.stdout.isatty() else WIDTH_OF_A_PIPE, highlight=False)


def err() -> Console:
    """The console for progress, notes and errors."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True)


def note(text: str) -> None:
    """Says something on standard error, where it disturbs no pipe."""
    err().print(text, markup=False)


def wrong_call(message: str) -> typer.Exit:
    """Says what is wrong with the call; raise what it returns."""
    err().print(f"[bold red]Error[/] {_escape(message)}")
    return typer.Exit(WRONG_CALL)


@contextmanager
def failures(ctx: typer.Context) -> Iterator[None]:
    """Turns exceptions into one sentence and an exit status; `--debug` lets them through."""
    try:
        yield
    except (KeyboardInterrupt, Exception) as error:
        if is_flow(error):
            raise
        if isinstance(error, BrokenPipeError):
            _hush()
            raise typer.Exit(0) from None
        if isinstance(error, KeyboardInterrupt):
            note(str(error) or "Stopped.")
            raise typer.Exit(INTERRUPTED) from None
        if ctx.meta.get(DEBUG_KEY):
            raise
        message, status = describe(error)
        err().print(f"[bold red]Error[/] {_escape(message)}")
        raise typer.Exit(status) from None


def is_flow(error: BaseException) -> bool:
    """Says whether it is the command line's own way of ending, which is not ours to report."""
    return isinstance(error, (typer.Exit, typer.Abort)) or type(error).__module__.startswith(
        ("click", "typer")
    )


def describe(error: BaseException) -> tuple[str, int]:
    """Returns the sentence and the exit status for an exception."""
    from recsmith.errors import InvalidValue, RecsmithError

    if isinstance(error, InvalidValue):
        return str(error), WRONG_CALL
    if isinstance(error, RecsmithError):
        return str(error), FAILED
    if isinstance(error, OSError):
        where = f": {error.filename}" if error.filename else ""
        return f"{error.strerror or error}{where}.", FAILED
    name = type(error).__name__
    return f"{name}: {error}. This looks like a mistake of ours; --debug shows where.", FAILED


def _escape(text: str) -> str:
    from rich.markup import escape

    return escape(text)


def _hush() -> None:
    """Sends the rest of standard output nowhere, so that Python's own flush at exit is quiet too."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def plain_table(*headings: str, headings_shown: bool = True) -> Table:
    """A table whose numbers stand at the right."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(
        box=SIMPLE_HEAD, show_header=headings_shown, title_justify="left", title_style="bold", pad_edge=False
    )
    for heading in headings:
        # In a narrow terminal words go on in the next line; numbers and ids keep their width.
        justify: JustifyMethod = "right" if heading in NUMBERS else "left"
        table.add_column(heading, justify=justify, no_wrap=heading not in WORDS)
    return table


def text(words: Any) -> str:
    """Words of the outside world, which may hold what rich would take for markup."""
    return _escape(str(words))
