"""A hundred swaps: every version is taken up, no world is kept behind, and memory stays where it was."""

import gc
import weakref

import psutil
import pytest

from recsmith.models import IALS
from recsmith.serving.engine import Engine, first_load
from recsmith.serving.store import Store
from recsmith.serving.versions import Versions
from recsmith.testing.toy import tastes

WARM = 15


@pytest.mark.parametrize("swaps", [5, pytest.param(100, marks=pytest.mark.slow)])
def test_swaps_leave_nothing_behind(tmp_path, swaps):
    models = [
        IALS(embedding_dim=16, n_epochs=1).fit(tastes(n_users=600, n_items=600, seed=seed)) for seed in (0, 1)
    ]
    store, versions = Store(f"sqlite:///{tmp_path / 's.db'}"), Versions(tmp_path / "versions", keep=2)
    versions.publish(models[0], {})
    first_load(store, models[0].memory)
    engine, here, worlds, held = Engine(store, versions), psutil.Process(), [], 0
    for n in range(WARM + swaps):
        worlds.append(weakref.ref(engine.world))
        version = versions.publish(models[n % 2], {})
        assert engine.look_around()
        for user in range(3):  # histories are kept, vectors and words are made
            given = engine.recommend(str(user), k=5, explain=True, diversity=0.5)
            assert given.version == version
        if n == WARM:
            gc.collect()
            held = here.memory_info().rss
    gc.collect()
    grown = (here.memory_info().rss - held) / 2**20
    assert sum(world() is not None for world in worlds) == 0
    arrays = vars(models[0].memory.histories).values()
    one = sum(array.nbytes for array in arrays if array is not None) / 2**20
    assert one > 0.5  # a world that stayed behind would be seen
    assert grown < 25, f"{grown:.0f} MB over {swaps} swaps"
    store.close()
