"""What is deployed is true to the tree: every recsmith call in image and units, every path, the rights."""

import configparser
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import typer.main

from recsmith.cli.main import app

ROOT = Path(__file__).resolve().parents[1]
yaml = pytest.importorskip("yaml", reason="the compose file is YAML")


def holds(words):
    """Says what is wrong with a call of recsmith; None where all is well."""
    command, rest = typer.main.get_command(app), list(words)
    while rest and rest[0] in getattr(command, "commands", {}):
        command = command.commands[rest.pop(0)]
    known = {name for option in command.params for name in option.opts}
    unknown = {word for word in rest if word.startswith("--")} - known
    return unknown or (rest and hasattr(command, "commands")) or None


def compose():
    return yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]


def dockerfile():
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    return re.sub(r"\\\n\s*", "", text).splitlines()


def test_the_image_copies_what_is_there_and_what_the_context_has():
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    copied = [
        line.split()[1:-1] for line in dockerfile() if line.startswith("COPY ") and "--from" not in line
    ]
    for path in [path for paths in copied for path in paths]:
        assert (ROOT / path).exists(), path
        assert f"!{path}" in ignored, path


def test_the_image_serves_and_does_not_run_as_root():
    said = {line.split()[0]: line.partition(" ")[2] for line in dockerfile() if line.strip()}
    start = yaml.safe_load(said["ENTRYPOINT"]) + yaml.safe_load(said["CMD"])
    assert start[0] == "recsmith"
    assert holds(start[1:]) is None
    assert said["USER"] == "recsmith"
    assert "/health/ready" in said["HEALTHCHECK"]


def test_the_compose_file_calls_what_there_is_as_somebody_who_may_write():
    services = compose()
    entry = ["serve", "--host", "0.0.0.0"]
    assert holds([*entry, *services["service"]["command"]]) is None
    (loop,) = services["refresh"]["command"]
    call = re.search(r"recsmith (.*?);", loop)[1]
    assert holds(shlex.split(call)) is None
    store = services["service"]["command"][-1]
    assert store in call  # both on one store
    assert services["service"]["volumes"] == services["refresh"]["volumes"]
    for name in ("service", "refresh"):  # the run is a folder of this machine's: its owner must write there
        assert services[name]["user"] == "${RECSMITH_USER:-1000:1000}"
        assert any("/data/.numba" in one and "mode=1777" in one for one in services[name]["tmpfs"])
    assert services["service"]["ports"] == ["127.0.0.1:8000:8000"]
    database = services["database"]["environment"]
    assert f"{database['POSTGRES_USER']}@database/{database['POSTGRES_DB']}" in store


@pytest.mark.parametrize("unit", ["recsmith.service", "recsmith-refresh.service"])
def test_the_units_call_what_there_is(unit):
    said = configparser.ConfigParser(strict=False, interpolation=None, comment_prefixes="#")
    said.optionxform = str
    said.read(ROOT / "deploy" / unit, encoding="utf-8")
    words = shlex.split(said["Service"]["ExecStart"])
    assert holds(words[words.index("recsmith") + 1 :]) is None
    assert said["Service"]["NoNewPrivileges"] == "yes"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_finds_no_fault_in_the_units(tmp_path):
    units = [shutil.copy(path, tmp_path) for path in sorted((ROOT / "deploy").iterdir())]
    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
