"""The documentation is true: its Python runs, its recipes are valid, its commands and links exist."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from recsmith.errors import MissingExtra

ROOT = Path(__file__).resolve().parents[1]
GUIDE = sorted((ROOT / "docs" / "guide").glob("*.md"))
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *GUIDE]
LINKED = [*PAGES, *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks(page: Path, *languages: str) -> list[tuple[int, str]]:
    """Returns (line number, code) of each block in one of the languages."""
    text = page.read_text(encoding="utf-8")
    return [
        (text.count("\n", 0, found.start(2)) + 1, found.group(2))
        for found in BLOCK.finditer(text)
        if found.group(1) in languages
    ]


def having(*languages: str) -> list[Path]:
    return [page for page in PAGES if blocks(page, *languages)]


def named(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", having("python"), ids=named)
def test_python_blocks_run_from_top_to_bottom(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A page is read as one session: later blocks use the names of earlier ones.
    monkeypatch.chdir(tmp_path)
    session: dict[str, object] = {"__name__": "docs"}
    for line, code in blocks(page, "python"):
        # Blank lines put the block where it stands in the page, so that a traceback names the right line.
        try:
            exec(compile("\n" * (line - 1) + code, str(page), "exec"), session)
        except MissingExtra as error:
            pytest.skip(str(error))


@pytest.mark.parametrize("page", having("toml"), ids=named)
def test_recipes_are_valid(page: Path) -> None:
    from recsmith.config import parse_recipe

    for line, code in blocks(page, "toml"):
        raw = tomllib.loads(code)
        if "data" in raw or "model" in raw:
            # A part of a recipe is shown where the rest is not the point.
            recipe = parse_recipe({"model": {"class": "Popular"}} | raw)
            assert recipe, f"{named(page)}:{line}"


def commands(page: Path) -> list[tuple[int, list[str]]]:
    """Returns (line number, words after `recsmith`) of each call in the page's shell blocks."""
    found = []
    for first, code in blocks(page, "sh", "console", "bash"):
        joined = re.sub(r"\\\n", lambda _: " ", code)
        for offset, raw in enumerate(joined.splitlines()):
            call = re.match(r"(?:\$ )?recsmith (.*)", raw.strip())
            if call is not None:
                found.append((first + offset, shlex.split(call.group(1), comments=True)))
    return found


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=named)
def test_commands_and_their_options_exist(page: Path) -> None:
    import typer.main

    from recsmith.cli.main import app

    for line, words in commands(page):
        command = typer.main.get_command(app)
        rest = list(words)
        while rest and rest[0] in getattr(command, "commands", {}):
            command = command.commands[rest.pop(0)]  # type: ignore[attr-defined]
        assert not hasattr(command, "commands"), f"{named(page)}:{line}: recsmith {' '.join(words)}"
        known = {name for option in command.params for name in (*option.opts, *option.secondary_opts)} | {
            "--help"
        }
        options = {word.partition("=")[0] for word in rest if re.match(r"--?[a-zA-Z]", word)}
        assert options <= known, f"{named(page)}:{line}: {sorted(options - known)} of recsmith {words[0]}"
        for recipe in (word for word in rest if word.startswith("recipes/")):
            assert (ROOT / recipe).is_file(), f"{named(page)}:{line}: {recipe}"


@pytest.mark.parametrize("page", LINKED, ids=named)
def test_links_inside_the_repository_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if "://" not in target and not target.startswith("mailto:"):
            assert (page.parent / target).exists(), f"{named(page)}: {target}"


def test_the_map_of_the_house_equals_the_tree() -> None:
    import runpy

    tool = runpy.run_path(str(ROOT / "tools" / "house_map.py"))
    assert tool["rooms_on_map"]((ROOT / "README.md").read_text(encoding="utf-8")) == tool["rooms_in_tree"](
        tool["HOUSE"]
    )
