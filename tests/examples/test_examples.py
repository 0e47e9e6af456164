"""Every example runs as a program of its own and says what it is for."""

import json
import runpy
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).resolve().parents[2] / "examples").glob("*.py"))
SAYS = {
    "quickstart": "user_id",
    "own_csv": "ben ['pot'",
    "new_person": "because you liked Alien (1979)",
    "compare_two": "better: PureSVD",
    "close_the_loop": "Version 000003",
}
QUICK = {"close_the_loop": ["--asked", "300"]}
NEEDS = {"close_the_loop": ("fastapi", "uvicorn", "sqlalchemy", "vl_convert")}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs_and_says_what_it_promises(example, monkeypatch, capsys, tmp_path):
    for needed in NEEDS.get(example.stem, ()):
        pytest.importorskip(needed)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", [str(example), *QUICK.get(example.stem, ())])
    runpy.run_path(str(example), run_name="__main__")
    assert SAYS[example.stem] in capsys.readouterr().out
    if example.stem == "close_the_loop":
        parts = json.loads(Path("runs/loop/loop.json").read_text(encoding="utf-8"))["table"]
        assert [part["version"] for part in parts] == ["000001", "000002", "000003"]
        assert sum(part["live"] * part["asked"] for part in parts) > sum(
            part["frozen"] * part["asked"] for part in parts
        )
        assert "<svg" in Path("runs/loop/loop.svg").read_text(encoding="utf-8")
