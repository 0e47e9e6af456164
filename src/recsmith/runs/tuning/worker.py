"""A process that runs trials: reads settings as JSON lines, answers with figures; ends with its parent.

    python -m recsmith.runs.tuning.worker FOLDER N_THREADS

It reads the recipe from the folder and cuts the validation part itself, so no events go between processes.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from pathlib import Path
from typing import Any, TextIO

from recsmith.config.recipe import TuneRecipe, load_recipe
from recsmith.errors import RecsmithError
from recsmith.runs import files
from recsmith.runs.sources import load_data
from recsmith.runs.tuning.objective import Objective, Pruned, peak_gb
from recsmith.runs.tuning.validation import validation_split

Message = dict[str, Any]


def work(folder: Path, n_threads: int, answers: TextIO, orders: TextIO) -> None:
    """Runs trials until there are no more orders."""
    inbox: queue.Queue[Message] = queue.Queue()

    def listen() -> None:
        for line in orders:
            inbox.put(json.loads(line))
        os._exit(0)  # the parent is gone or done; a trial in progress is for nobody

    def say(**message: Any) -> None:
        answers.write(json.dumps(message, default=float) + "\n")
        answers.flush()

    threading.Thread(target=listen, daemon=True).start()
    recipe = load_recipe(folder / files.RECIPE)
    asked = recipe.tune or TuneRecipe()
    metric = asked.metric or recipe.evaluate.metrics[0]
    validation = validation_split(load_data(recipe.data), recipe, asked)
    objective = Objective(recipe, validation, metric=metric, n_threads=n_threads)
    say(kind="ready")

    def report(step: int, value: float) -> bool:
        say(kind="report", step=step, value=value)
        return bool(inbox.get()["stop"])

    while True:
        values = inbox.get()["values"]
        try:
            say(kind="done", result=objective(values, report if asked.pruning else None))
        except Pruned:
            say(kind="pruned", result={"peak_gb": peak_gb()})
        except Exception as error:  # whatever it is, it costs this trial alone
            name = "" if isinstance(error, RecsmithError) else f"{type(error).__name__}: "
            say(kind="failed", why=f"{name}{error}")


def main() -> None:
    """Keeps standard output for the answers; what libraries print goes to standard error."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    work(Path(sys.argv[1]), int(sys.argv[2]), answers, sys.stdin)


if __name__ == "__main__":
    main()
