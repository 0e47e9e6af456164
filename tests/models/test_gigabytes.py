"""What memory there is, and that models which would not fit say so before they take any."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

from recsmith.data import Dataset, Interactions, Vocabulary
from recsmith.errors import InvalidValue
from recsmith.models import BPR, EASE, GFCF, IALS, SLIM, FunkSVD, ItemKNN, PureSVD, RP3beta, SVDpp, gigabytes
from recsmith.models.gigabytes import ask_for, free_gb

GB = 10**9


@pytest.fixture
def system(tmp_path, monkeypatch):
    """Gives a function that writes files of /proc and of cgroups as a machine would have them."""
    monkeypatch.setattr(gigabytes, "_PROC", tmp_path / "proc")
    monkeypatch.setattr(gigabytes, "_CGROUP", tmp_path / "cgroup")

    def write(**files):
        for name, text in files.items():
            path = tmp_path / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    write(proc__meminfo=f"MemTotal: {64 * GB // 1024} kB\nMemAvailable: {16 * GB // 1024} kB\n")
    return write


def test_the_machine_says_what_is_available(system):
    assert free_gb() == pytest.approx(16, rel=1e-6)


def test_the_tightest_container_around_the_process_counts(system, tmp_path):
    system(proc__self__cgroup="0::/outer/inner\n")
    limits = {"outer": (f"{5 * GB}\n", f"{3 * GB}\n"), "outer/inner": ("max\n", f"{GB}\n")}
    for group, (most, used) in limits.items():
        folder = tmp_path / "cgroup" / group
        folder.mkdir(parents=True)
        (folder / "memory.max").write_text(most)
        (folder / "memory.current").write_text(used)
        (folder / "memory.stat").write_text(f"anon 7\ninactive_file {GB // 2}\n")
    assert free_gb() == pytest.approx(2.5)


def test_a_system_without_proc_says_what_it_has(system, tmp_path, monkeypatch):
    (tmp_path / "proc" / "meminfo").unlink()
    monkeypatch.setattr(gigabytes.os, "sysconf", {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 10**6}.get)
    assert free_gb() == pytest.approx(4.096)
    monkeypatch.delattr(gigabytes.os, "sysconf")
    assert free_gb() == float("inf")


@pytest.mark.skipif(sys.platform != "linux", reason="limits of a process are read from /proc")
def test_the_limits_of_the_process_count():
    program = (
        "import resource; from recsmith.models.gigabytes import free_gb\n"
        "limit = 3 * 10**9; resource.setrlimit(resource.RLIMIT_DATA, (limit, limit)); print(free_gb())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert 1 < float(done.stdout) < 3


def test_what_fits_is_let_through_and_what_does_not_names_gigabytes_and_cure(system):
    ask_for(15.9, name="EASE", shape="much", cure="Take less.")
    with pytest.raises(InvalidValue) as refused:
        ask_for(160.25, name="EASE", shape="200,000 items", cure="Use IALS.")
    assert str(refused.value) == (
        "EASE's memory must be at most 16 GB. Got 160 GB for 200,000 items. Use IALS."
    )


def catalogue(n_users: int, n_items: int) -> Dataset:
    """Gives a log in which everybody took three things of a large catalogue."""
    rng = np.random.default_rng(0)
    user = np.repeat(np.arange(n_users), 3)
    events = Interactions.from_arrays(
        user, rng.integers(0, n_items, len(user)), rng.integers(1, 6, len(user))
    )
    return Dataset(events, Vocabulary(np.arange(n_users)), Vocabulary(np.arange(n_items)), feedback="ratings")


LARGE = catalogue(200_000, 200_000)


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (EASE(), r"EASE's memory .* Got 16\d GB for 200,000 items .* Use IALS or ItemKNN, or fewer items"),
        (EASE(solver="dual"), r"EASE's memory .* Got 64\d GB for 200,000 items .* Use IALS or ItemKNN"),
        (
            PureSVD(embedding_dim=150_000),
            r"PureSVD's memory .* 150,000 singular values .* Lower embedding_dim",
        ),
        (PureSVD(embedding_dim=20_000), r"PureSVD's memory .* 20,000 singular values .* Lower embedding_dim"),
        (
            ItemKNN(n_neighbours=100_000),
            r"640 GB for 100,000 neighbours of 200,000 items. Lower n_neighbours",
        ),
        (
            RP3beta(n_neighbours=100_000),
            r"640 GB for 100,000 neighbours of 200,000 items. Lower n_neighbours",
        ),
        (SLIM(), r"SLIM's memory .* Got 160 GB for 200,000 items. Use RP3beta or ItemKNN"),
        (GFCF(form="matrix"), r"Got 160 GB for a matrix of 200,000 items × items. Set form='factors'"),
        (GFCF(embedding_dim=20_000), r"GFCF's memory .* 20,000 singular values .* Lower embedding_dim"),
        (IALS(embedding_dim=20_000), r"IALS's memory .* 64 GB for vectors of 20,000 numbers"),
        (BPR(embedding_dim=20_000), r"BPR's memory .* 64 GB for vectors of 20,000 numbers"),
        (SVDpp(embedding_dim=20_000), r"SVDpp's memory .* Got 96 GB for vectors of 20,000"),
        (FunkSVD(embedding_dim=20_000), r"FunkSVD's memory .* 64 GB for vectors .* Lower embedding_dim"),
    ],
    ids=repr,
)
def test_more_than_memory_allows_is_refused_before_it_is_taken(model, says, monkeypatch):
    monkeypatch.setattr(gigabytes, "free_gb", lambda: 16.0)
    monkeypatch.setattr("recsmith.models.factorization.ease.free_gb", lambda: 16.0)
    tracemalloc.start()
    try:
        with pytest.raises(InvalidValue, match=says):
            model.fit(LARGE)
        taken = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert taken < 0.2 * GB  # the log itself, some times over; never what was refused
