"""The cross table as an Excel workbook, after fast.ai's lesson: actual, predicted, error and factors."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from recsmith.errors import require
from recsmith.report.content import Crosstab
from recsmith.storage import file_aside

_INK, _LINE, _HEAD = "#1c2430", "#d7dce2", "#eef1f4"
_CELL = 32_767
# Low, middle, high: readable under dark figures, and apart for the colour-blind.
_WARM = ("#f4ecd8", "#f2c879", "#e08a3c")
_DIVERGING = ("#5b8fc7", "#ffffff", "#e08a3c")


def write_crosstab(crosstab: Crosstab, path: str | Path) -> Path:
    """Writes the cross table to `path` (.xlsx) as a whole or not at all, and returns the path.

    Sheets: `actual`; with predictions `predicted` and `error` (predicted − actual); with factors
    `user factors` and `item factors` (bias first). Text stays text: a title that begins with `=` is no
    formula. Raises `MissingExtra` without xlsxwriter.
    """
    xlsxwriter = require("xlsxwriter", extra="xlsx")
    target = Path(path)
    with file_aside(target) as aside:
        options = {
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "nan_inf_to_errors": False,
        }
        book = xlsxwriter.Workbook(str(aside), options)
        # A fixed date: the same table gives the same file.
        book.set_properties(
            {"title": "Cross table", "comments": "made by recsmith", "created": datetime(2000, 1, 1)}
        )
        formats = _formats(book)
        _matrix_sheet(book, formats, "actual", crosstab, crosstab.actual, _WARM)
        if crosstab.predicted is not None:
            _matrix_sheet(book, formats, "predicted", crosstab, crosstab.predicted, _WARM)
            _matrix_sheet(book, formats, "error", crosstab, crosstab.error, _DIVERGING, around=0.0)
        _factor_sheet(
            book,
            formats,
            "user factors",
            "user",
            crosstab.user_ids,
            crosstab.user_bias,
            crosstab.user_factors,
            crosstab.mean,
        )
        _factor_sheet(
            book,
            formats,
            "item factors",
            "title",
            crosstab.titles,
            crosstab.item_bias,
            crosstab.item_factors,
            crosstab.mean,
        )
        book.close()
    return target


def _formats(book: Any) -> dict[str, Any]:
    base = {"font_color": _INK, "font_size": 10}
    head = {**base, "bold": True, "bg_color": _HEAD, "border": 1, "border_color": _LINE, "valign": "bottom"}
    return {
        "corner": book.add_format(head),
        "column": book.add_format({**head, "rotation": 60, "text_wrap": False}),
        "flat": book.add_format({**head, "align": "right"}),
        "row": book.add_format({**base, "bold": True, "bg_color": _HEAD, "border": 1, "border_color": _LINE}),
        "whole": book.add_format({**base, "num_format": "0.0", "border": 1, "border_color": _LINE}),
        "fine": book.add_format({**base, "num_format": "0.00", "border": 1, "border_color": _LINE}),
        "factor": book.add_format({**base, "num_format": "0.000", "border": 1, "border_color": _LINE}),
    }


def _matrix_sheet(
    book: Any,
    formats: dict[str, Any],
    name: str,
    crosstab: Crosstab,
    values: np.ndarray | None,
    colours: tuple[str, str, str],
    *,
    around: float | None = None,
) -> None:
    if values is None:
        return
    sheet = book.add_worksheet(name)
    sheet.write_string(0, 0, "user", formats["corner"])
    for column, title in enumerate(crosstab.titles, start=1):
        sheet.write_string(0, column, _short(title), formats["column"])
    for row, user in enumerate(crosstab.user_ids, start=1):
        sheet.write_string(row, 0, _short(user), formats["row"])
    _write_values(sheet, values, 1, 1, formats["whole" if name == "actual" else "fine"])
    sheet.set_row(0, 130)
    sheet.set_column(0, 0, 10)
    sheet.set_column(1, max(len(crosstab.titles), 1), 6)
    sheet.freeze_panes(1, 1)
    _heat(sheet, (1, 1, len(crosstab.user_ids), len(crosstab.titles)), colours, around)


def _factor_sheet(
    book: Any,
    formats: dict[str, Any],
    name: str,
    kind: str,
    labels: Sequence[str],
    bias: np.ndarray | None,
    factors: np.ndarray | None,
    mean: float | None,
) -> None:
    """Writes one row a user or item: label, bias if there is one, then the factors."""
    if bias is None and factors is None:
        return
    sheet = book.add_worksheet(name)
    columns = [kind] + (["bias"] if bias is not None else [])
    columns += [f"factor {d + 1}" for d in range(0 if factors is None else factors.shape[1])]
    for column, title in enumerate(columns):
        sheet.write_string(0, column, title, formats["flat" if column else "corner"])
    for row, label in enumerate(labels, start=1):
        sheet.write_string(row, 0, _short(label), formats["row"])
    parts = [part for part in (None if bias is None else bias[:, None], factors) if part is not None]
    _write_values(sheet, np.hstack(parts), 1, 1, formats["factor"])
    sheet.set_column(0, 0, 10 if kind == "user" else 44)
    sheet.set_column(1, len(columns), 9)
    sheet.freeze_panes(1, 1)
    _heat(sheet, (1, 1, len(labels), len(columns) - 1), _DIVERGING, 0.0)
    if mean is not None:
        sheet.write_string(0, len(columns) + 1, "mean of all ratings", formats["flat"])
        sheet.write_number(0, len(columns) + 2, float(mean), formats["factor"])
        sheet.set_column(len(columns) + 1, len(columns) + 1, 20)


def _short(text: str) -> str:
    """The text, cut to what a cell holds: Excel refuses a file with more."""
    return text if len(text) <= _CELL else text[: _CELL - 1] + "…"


def _write_values(sheet: Any, values: np.ndarray, first_row: int, first_column: int, cell: Any) -> None:
    """Writes numbers; what is not finite stays an empty, framed cell."""
    for row, line in enumerate(values.tolist(), start=first_row):
        for column, value in enumerate(line, start=first_column):
            if np.isfinite(value):
                sheet.write_number(row, column, value, cell)
            else:
                sheet.write_blank(row, column, None, cell)


def _heat(
    sheet: Any, cells: tuple[int, int, int, int], colours: tuple[str, str, str], around: float | None
) -> None:
    if cells[2] < cells[0] or cells[3] < cells[1]:
        return
    middle = (
        {"mid_type": "percentile", "mid_value": 50}
        if around is None
        else {"mid_type": "num", "mid_value": around}
    )
    low, mid, high = colours
    sheet.conditional_format(
        *cells, {"type": "3_color_scale", "min_color": low, "mid_color": mid, "max_color": high, **middle}
    )
