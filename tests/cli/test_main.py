"""The command line as a whole: help, versions, exit statuses, nothing heavy before it is needed."""

import subprocess
import sys

import pytest
import typer.main

import recsmith as package
from recsmith.cli.main import app

COMMANDS = [
    "demo", "train", "evaluate", "compare", "recommend", "similar", "explain", "report", "doctor",
    "data summary", "data crosstab", "import-config",
]  # fmt: skip


@pytest.mark.parametrize("command", ["", *COMMANDS, "data"])
def test_every_help_ends_with_an_example(recsmith, command):
    result = recsmith(*command.split(), "--help")
    assert result.status == 0
    last = [line for line in result.out.splitlines() if line.strip()]
    after_the_boxes = "\n".join(last).rsplit("╯", 1)[-1]
    assert "Example: recsmith " in after_the_boxes


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_takes_json_and_debug(command):
    found = typer.main.get_command(app)
    for word in command.split():
        found = found.commands[word]
    options = {option for parameter in found.params for option in parameter.opts}
    assert {"--json", "--debug"} <= options


def test_the_version(recsmith):
    assert recsmith("--version").out.strip() == f"recsmith {package.__version__}"


@pytest.mark.parametrize(
    "words", [["traim"], ["train", "--nope"], ["recommend"], ["data", "sumary"], ["compare", "a"]]
)
def test_a_wrong_call_is_status_2_with_a_message_on_stderr(recsmith, words):
    result = recsmith(*words)
    assert result.status == 2
    assert result.out == ""
    assert result.err


def test_a_misspelt_command_is_answered_with_the_nearest(recsmith):
    assert "train" in recsmith("traim").err


def test_help_loads_nothing_heavy():
    code = (
        "import sys; import recsmith.cli.main; "
        "print([m for m in ('numpy', 'polars', 'numba', 'scipy', 'pydantic') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_mistake_of_ours_is_one_line_without_debug_and_a_traceback_with(recsmith, shop, monkeypatch):
    from recsmith.runs import lists

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(lists, "open_model", broken)
    result = recsmith("similar", "--model", "runs/shop", "--item", "i001")
    assert result.status == 1
    assert (
        "ZeroDivisionError: division by zero. This looks like a mistake of ours; --debug shows where."
        in result.err
    )
    assert "Traceback" not in result.err
    with pytest.raises(ZeroDivisionError):
        # The runner hands an exception that gets through to us, as Python would to the terminal.
        from typer.testing import CliRunner

        words = ["similar", "--model", "runs/shop", "--item", "i001", "--debug"]
        CliRunner().invoke(app, words, catch_exceptions=False)


def test_doctor_says_what_is_here(recsmith):
    result = recsmith("doctor", "--json")
    assert result.status == 0
    facts = result.json
    assert facts["recsmith"] == package.__version__
    assert facts["devices"]["cpu"]["usable_cores"] >= 1
    assert {"report", "xlsx", "sql", "postgres", "neural"} <= set(facts["extras"])
    assert facts["extras"]["report"]["install"] == "pip install 'recsmith[report]'"
    assert facts["kernel_cache"]["folder"]
    assert "numba" in recsmith("doctor").out


def test_doctor_names_the_line_that_installs_what_is_missing(recsmith, monkeypatch):
    import recsmith.runs.doctor as doctor

    monkeypatch.setattr(doctor, "EXTRAS", {"xlsx": ("no_such_module",)})
    assert "missing: pip install 'recsmith[xlsx]'" in recsmith("doctor").out


def test_doctor_warns_of_kernels_that_cannot_be_kept(recsmith, monkeypatch):
    import recsmith.runs.doctor as doctor

    monkeypatch.setattr(doctor, "_can_write", lambda _: False)
    result = recsmith("doctor", "--json")
    assert result.status == 1
    assert result.json["ok"] is False
    assert "Set NUMBA_CACHE_DIR" in result.json["problems"][0]
