"""Checks that the README's map of the house names exactly the rooms and ground-floor files of the tree."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HOUSE = ROOT / "src" / "recsmith"


def rooms_in_tree(house: Path) -> set[str]:
    """Names every package folder below `house` ("models/baseline/") and every module directly in it."""
    folders = {f"{p.parent.relative_to(house).as_posix()}/" for p in house.rglob("__init__.py")} - {"./"}
    modules = {p.name for p in house.glob("*.py")}
    return folders | modules


def rooms_on_map(readme: str) -> set[str]:
    """Reads the first code block below the heading "Map of the house": two spaces of indent are one level."""
    block = re.search(r"## (?:The m|M)ap of the house\n.*?```\w*\n(.*?)```", readme, re.DOTALL)
    if block is None:
        raise SystemExit("README.md must have a code block below the heading 'Map of the house'.")
    rooms: set[str] = set()
    path: list[str] = []
    for line in block.group(1).splitlines():
        entry = re.match(r"( *)([\w.]+(?:\.py|/))(?: |$)", line)
        if entry is None:
            continue
        depth = len(entry.group(1)) // 2
        if depth == 0:
            continue  # src/recsmith/ itself
        path[depth - 1 :] = [entry.group(2)]
        rooms.add("".join(path))
    return rooms


def main() -> int:
    """Prints what differs; 0 when nothing does."""
    tree = rooms_in_tree(HOUSE)
    drawn = rooms_on_map((ROOT / "README.md").read_text(encoding="utf-8"))
    for name in sorted(tree - drawn):
        sys.stderr.write(f"The map of the house in README.md lacks {name}\n")
    for name in sorted(drawn - tree):
        sys.stderr.write(f"The map of the house in README.md shows {name}, which is not in the tree\n")
    return int(tree != drawn)


if __name__ == "__main__":
    raise SystemExit(main())
