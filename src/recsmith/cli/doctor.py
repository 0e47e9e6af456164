"""`recsmith doctor`: versions, devices, threads, extras."""

from __future__ import annotations

import typer

from recsmith.cli import shared

EXAMPLE = shared.example("recsmith doctor")


def doctor(json: shared.Json = False, debug: shared.Debug = False) -> None:
    """Say what is installed here, what is missing, and how to install it."""
    from recsmith.runs.doctor import examine

    facts = examine()
    if json:
        shared.print_json(facts)
    else:
        _show(facts)
    if not facts["ok"]:
        raise typer.Exit(shared.FAILED)


def _show(facts: dict) -> None:
    table = shared.plain_table("", "value", headings_shown=False)
    cpu = facts["devices"]["cpu"]
    memory = f", {facts['memory_bytes'] / 2**30:.1f} GiB" if facts["memory_bytes"] else ""
    table.add_row("recsmith", facts["recsmith"])
    table.add_row("Python", f"{facts['python']}  {facts['executable']}")
    table.add_row("platform", facts["platform"])
    table.add_row("device", f"{cpu['name']}, {cpu['usable_cores']} of {cpu['cores']} cores{memory}")
    table.add_row("threads", _threads(facts["threads"]))
    table.add_row(
        "libraries",
        ", ".join(f"{name} {version or 'missing'}" for name, version in facts["libraries"].items()),
    )
    for extra, state in facts["extras"].items():
        # As text: the square brackets of 'recsmith[report]' would be read as markup.
        said = "installed" if state["installed"] else f"missing: {state['install']}"
        table.add_row(f"extra {extra}", shared.text(said))
    cache = facts["kernel_cache"]
    table.add_row(
        "kernel cache", f"{cache['folder']} ({cache['kernels']} kernels, {cache['bytes'] / 2**20:.1f} MiB)"
    )
    shared.out().print(table)
    for problem in facts["problems"]:
        shared.out().print(problem, markup=False, style="bold red")


def _threads(threads: dict) -> str:
    blas = [f"{pool['library']} {pool['threads']}" for pool in threads["blas"]]
    told = [f"{name}={value}" for name, value in threads["environment"].items()]
    return ", ".join([f"recsmith {threads['recsmith']}", *blas, *told])
