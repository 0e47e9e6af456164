"""The workbook read back: every sheet, every figure, no formula, written whole or not at all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import openpyxl
import pytest

from recsmith.errors import MissingExtra
from recsmith.report import Crosstab, write_crosstab


@pytest.fixture
def book(crosstab: Crosstab, tmp_path):
    loaded = openpyxl.load_workbook(write_crosstab(crosstab, tmp_path / "out" / "x.xlsx"))
    yield loaded
    loaded.close()


def cells(sheet, n_rows, n_columns):
    return [[sheet.cell(2 + r, 2 + c).value for c in range(n_columns)] for r in range(n_rows)]


def test_the_sheets_hold_the_figures(book, crosstab):
    assert book.sheetnames == ["actual", "predicted", "error", "user factors", "item factors"]
    for name in ("actual", "predicted", "error"):
        wanted = getattr(crosstab, name)
        got = np.array(cells(book[name], 3, 4), dtype=float)
        np.testing.assert_allclose(got, wanted)
    assert book["actual"].cell(2, 3).value is None
    users = np.array(cells(book["user factors"], 3, 3), dtype=float)
    np.testing.assert_allclose(users, np.hstack([crosstab.user_bias[:, None], crosstab.user_factors]))
    items = np.array(cells(book["item factors"], 4, 3), dtype=float)
    np.testing.assert_allclose(items, np.hstack([crosstab.item_bias[:, None], crosstab.item_factors]))


def test_the_factors_and_biases_give_the_heads(book):
    assert [cell.value for cell in book["item factors"][1]][:4] == ["title", "bias", "factor 1", "factor 2"]
    assert [cell.value for cell in book["user factors"][1]][5:7] == ["mean of all ratings", 3.5]


def test_titles_and_ids_are_text_never_formulas_or_links(book, crosstab):
    sheet = book["actual"]
    assert [sheet.cell(1, c).value for c in range(2, 6)] == list(crosstab.titles)
    assert [sheet.cell(r, 1).value for r in range(2, 5)] == list(crosstab.user_ids)
    for name in book.sheetnames:
        for row in book[name].iter_rows():
            for cell in row:
                assert cell.data_type != "f"
                assert cell.hyperlink is None


def test_heads_stay_in_view_and_cells_are_coloured(book):
    for name in book.sheetnames:
        assert book[name].freeze_panes == "B2"
        assert len(book[name].conditional_formatting) == 1


def test_the_same_colour_is_the_same_figure_in_both_sheets(book, crosstab):
    both = np.concatenate([crosstab.actual[np.isfinite(crosstab.actual)], crosstab.predicted.ravel()])
    for name in ("actual", "predicted"):
        scale = next(iter(book[name].conditional_formatting)).rules[0].colorScale
        ends = [float(stop.val) for stop in scale.cfvo]
        np.testing.assert_allclose(ends, [both.min(), (both.min() + both.max()) / 2, both.max()])
    low, middle, high = (
        float(stop.val) for stop in next(iter(book["error"].conditional_formatting)).rules[0].colorScale.cfvo
    )
    assert (low, middle) == (-high, 0.0)


def test_without_a_model_there_is_only_what_was_given(crosstab, tmp_path):
    bare = Crosstab(user_ids=crosstab.user_ids, titles=crosstab.titles, actual=crosstab.actual)
    loaded = openpyxl.load_workbook(write_crosstab(bare, tmp_path / "x.xlsx"))
    assert loaded.sheetnames == ["actual"]
    loaded.close()


def test_a_very_long_title_is_kept_up_to_what_a_cell_holds(crosstab, tmp_path):
    long = replace(crosstab, titles=["x" * 40_000, "b", "c", "d"])
    loaded = openpyxl.load_workbook(write_crosstab(long, tmp_path / "x.xlsx"))
    assert loaded["actual"].cell(1, 2).value == "x" * 32_766 + "…"
    loaded.close()


def test_the_same_table_gives_the_same_file(crosstab, tmp_path):
    one, two = (write_crosstab(crosstab, tmp_path / name).read_bytes() for name in ("a.xlsx", "b.xlsx"))
    assert one == two


def test_a_missing_extra_names_its_install_line(crosstab, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "xlsxwriter", None)
    with pytest.raises(MissingExtra, match=r"pip install 'recsmith\[xlsx\]'"):
        write_crosstab(crosstab, tmp_path / "x.xlsx")


def test_a_failed_write_leaves_the_old_workbook(crosstab, tmp_path, monkeypatch):
    target = tmp_path / "x.xlsx"
    target.write_bytes(b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("recsmith.storage.os.replace", full)
    with pytest.raises(OSError, match="No space left"):
        write_crosstab(crosstab, target)
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["x.xlsx"]
