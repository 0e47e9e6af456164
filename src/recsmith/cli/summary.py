"""`recsmith data summary`: what is in an interaction log."""

from __future__ import annotations

from recsmith.cli import log, shared

EXAMPLE = shared.example(
    "recsmith data summary ratings.csv",
    'recsmith data summary orders.csv --user customer --item sku --time ordered_at --separator ";"',
)


def summary(
    path: log.LogPath,
    format: log.Format = None,
    user: log.User = None,
    item: log.Item = None,
    weight: log.Weight = None,
    time: log.Time = None,
    separator: log.Separator = None,
    header: log.Header = True,
    encoding: log.Encoding = "utf-8",
    duplicates: log.Duplicates = "keep_last",
    on_bad_rows: log.OnBadRows = "error",
    json: shared.Json = False,
    debug: shared.Debug = False,
) -> None:
    """Say what is in a log: counts, density, dates, the long tail, and what was refused and why."""
    from recsmith.data.summary import summarise
    from recsmith.data.summary_view import view

    data = log.read_log(
        path,
        format=format,
        user=user,
        item=item,
        weight=weight,
        time=time,
        separator=separator,
        header=header,
        encoding=encoding,
        duplicates=duplicates,
        on_bad_rows=on_bad_rows,
    )
    found = summarise(data)
    if json:
        shared.print_json(found.to_dict())
    else:
        shared.out().print(view(found))
