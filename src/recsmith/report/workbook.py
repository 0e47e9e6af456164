"""The cross table as an Excel workbook, after fast.ai's lesson: actual, predicted, error and factors."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from recsmith.errors import require
from recsmith.report.content import Crosstab
from recsmith.storage import file_aside

_INK, _LINE, _HEAD = "#1c2430", "#d7dce2", "#eef1f4"
_CELL = 32_767
_OPTIONS = {
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "nan_inf_to_errors": False,
}


class _Ramp(NamedTuple):
    """Is a ramp of three colours, and the figures they stand for."""

    colours: tuple[str, str, str]
    ends: tuple[float, float]

    @property
    def rule(self) -> dict[str, Any]:
        """The ramp in xlsxwriter's words."""
        figures = (self.ends[0], sum(self.ends) / 2, self.ends[1])
        rule: dict[str, Any] = {"type": "3_color_scale"}
        for name, colour, figure in zip(("min", "mid", "max"), self.colours, figures, strict=True):
            rule |= {f"{name}_type": "num", f"{name}_value": figure, f"{name}_color": colour}
        return rule


# Readable under dark figures, and apart for the colour-blind.
_WARM = ("#f8f1df", "#f2c879", "#e08a3c")
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
        book = _Book(xlsxwriter.Workbook(str(aside), _OPTIONS))
        given = [matrix for matrix in (crosstab.actual, crosstab.predicted) if matrix is not None]
        warm = _Ramp(_WARM, _span(*given))  # one ramp for both: the same colour is the same figure
        book.matrix("actual", crosstab, crosstab.actual, warm, "0.0")
        if crosstab.predicted is not None and crosstab.error is not None:
            book.matrix("predicted", crosstab, crosstab.predicted, warm, "0.00")
            book.matrix("error", crosstab, crosstab.error, _around_zero(crosstab.error), "0.00")
        users = (crosstab.user_bias, crosstab.user_factors)
        items = (crosstab.item_bias, crosstab.item_factors)
        book.factors("user factors", "user", crosstab.user_ids, *users, mean=crosstab.mean)
        book.factors("item factors", "title", crosstab.titles, *items, mean=crosstab.mean)
        book.close()
    return target


class _Book:
    """Is a workbook in our looks, written sheet by sheet."""

    def __init__(self, book: Any) -> None:
        # A fixed date: the same table gives the same file.
        book.set_properties(
            {"title": "Cross table", "comments": "made by recsmith", "created": datetime(2000, 1, 1)}
        )
        framed = {"font_color": _INK, "font_size": 10, "border": 1, "border_color": _LINE}
        head = {**framed, "bold": True, "bg_color": _HEAD}
        self._book = book
        self._corner = book.add_format({**head, "valign": "bottom"})
        self._upright = book.add_format({**head, "rotation": 90, "valign": "bottom"})
        self._flat = book.add_format({**head, "align": "right"})
        self._row = book.add_format(head)
        self._cells = {
            digits: book.add_format({**framed, "num_format": digits}) for digits in ("0.0", "0.00", "0.000")
        }

    def matrix(self, name: str, crosstab: Crosstab, values: np.ndarray, ramp: _Ramp, digits: str) -> None:
        """Writes a sheet with users down and titles across."""
        sheet = self._sheet(name, "user", crosstab.user_ids)
        for column, title in enumerate(crosstab.titles, start=1):
            sheet.write_string(0, column, _short(title), self._upright)
        sheet.set_row(0, 190)
        sheet.set_column(0, 0, 10)
        sheet.set_column(1, max(len(crosstab.titles), 1), 5.5)
        self._fill(sheet, values, ramp, digits)

    def factors(
        self,
        name: str,
        kind: str,
        labels: Sequence[str],
        bias: np.ndarray | None,
        factors: np.ndarray | None,
        *,
        mean: float | None,
    ) -> None:
        """Writes a sheet with a row a user or item: the bias if there is one, then the factors."""
        parts = [part for part in (None if bias is None else bias[:, None], factors) if part is not None]
        if not parts:
            return
        values = np.hstack(parts)
        sheet = self._sheet(name, kind, labels)
        heads = ["bias"] if bias is not None else []
        heads += [f"factor {d + 1}" for d in range(values.shape[1] - len(heads))]
        for column, head in enumerate(heads, start=1):
            sheet.write_string(0, column, head, self._flat)
        sheet.set_column(0, 0, 10 if kind == "user" else 44)
        sheet.set_column(1, len(heads), 9)
        self._fill(sheet, values, _around_zero(values), "0.000")
        if mean is not None:
            sheet.write_string(0, len(heads) + 2, "mean of all ratings", self._flat)
            sheet.write_number(0, len(heads) + 3, float(mean), self._cells["0.000"])
            sheet.set_column(len(heads) + 2, len(heads) + 2, 20)

    def close(self) -> None:
        """Writes the file."""
        self._book.close()

    def _sheet(self, name: str, kind: str, labels: Sequence[str]) -> Any:
        """A sheet with its row heads, which stay in view, and which prints on one page's width."""
        sheet = self._book.add_worksheet(name)
        sheet.write_string(0, 0, kind, self._corner)
        for row, label in enumerate(labels, start=1):
            sheet.write_string(row, 0, _short(label), self._row)
        sheet.freeze_panes(1, 1)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        return sheet

    def _fill(self, sheet: Any, values: np.ndarray, ramp: _Ramp, digits: str) -> None:
        """Writes the figures and colours them; what is not finite stays an empty, framed cell."""
        cell = self._cells[digits]
        for (row, column), value in np.ndenumerate(values):
            if np.isfinite(value):
                sheet.write_number(row + 1, column + 1, float(value), cell)
            else:
                sheet.write_blank(row + 1, column + 1, None, cell)
        if values.size:
            sheet.conditional_format(1, 1, *values.shape, ramp.rule)


def _short(text: str) -> str:
    """The text, cut to what a cell holds: Excel refuses a file with more."""
    return text if len(text) <= _CELL else text[: _CELL - 1] + "…"


def _span(*matrices: np.ndarray) -> tuple[float, float]:
    values = np.concatenate([matrix[np.isfinite(matrix)] for matrix in matrices])
    return (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)


def _around_zero(values: np.ndarray) -> _Ramp:
    reach = max(map(abs, _span(values)))
    return _Ramp(_DIVERGING, (-reach, reach))
