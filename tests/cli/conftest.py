"""A working folder as people have one: a log, a recipe, a finished run; and a way to call the commands."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from recsmith.cli.main import app
from recsmith.testing.toy import tastes

RECIPE = """
[data]
source = "table"
path = "orders.csv"
user = "customer"
item = "sku"
weight = "stars"
time = "ordered_at"
separator = ";"

[data.items]
path = "goods.csv"
id = "sku"
title = "name"
features = { kind = "multi" }

[model]
class = "ItemKNN"
n_neighbours = 20

[run]
progress = false

[evaluate]
metrics = ["NDCG@10", "Coverage@10"]
n_bootstrap = 50
"""


@dataclass
class Result:
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def call(*words: str) -> Result:
    """Runs a command in this process."""
    result = CliRunner().invoke(app, [str(word) for word in words], prog_name="recsmith")
    return Result(result.exit_code, result.stdout, result.stderr)


@pytest.fixture
def recsmith() -> Callable[..., Result]:
    return call


@pytest.fixture(scope="session")
def call_recsmith() -> Callable[..., Result]:
    """The same for fixtures that live longer than one test."""
    return call


@pytest.fixture(scope="session")
def make_orders() -> Callable[[Path], None]:
    return make_shop


def make_shop(folder: Path) -> None:
    """Writes a log with its own column names and separator, the goods, and a recipe."""
    data = tastes()
    events = data.interactions
    pl.DataFrame(
        {
            "ordered_at": events.time // 1000 + 1_600_000_000,
            "customer": data.users.ids.gather(events.user),
            "sku": data.items.ids.gather(events.item),
            "stars": events.weight,
        }
    ).write_csv(folder / "orders.csv", separator=";")
    assert data.item_table is not None
    goods = data.item_table.select(sku="item_id", name="title", kind=pl.col("genres").list.join("|"))
    goods.write_csv(folder / "goods.csv")
    (folder / "shop.toml").write_text(RECIPE, encoding="utf-8")


@pytest.fixture(scope="session")
def finished_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop with a run in `runs/shop`; not to be changed."""
    folder = tmp_path_factory.mktemp("shop")
    make_shop(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        result = call("train", "shop.toml", "--no-report")
    assert result.status == 0, result.err
    return folder


@pytest.fixture
def shop(finished_shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the shop as the working folder."""
    folder = tmp_path / "shop"
    shutil.copytree(finished_shop, folder)
    monkeypatch.chdir(folder)
    return folder
