"""A model in place and a store, on SQLite always and on PostgreSQL where RECSMITH_TEST_POSTGRES names one."""

import os
import uuid

import pytest

sa = pytest.importorskip("sqlalchemy")
pytest.importorskip("fastapi")

from fastapi.testclient import TestClient  # noqa: E402

from recsmith.models import IALS  # noqa: E402
from recsmith.serving.app import create_app  # noqa: E402
from recsmith.serving.engine import Engine, first_load  # noqa: E402
from recsmith.serving.settings import ServeSettings  # noqa: E402
from recsmith.serving.store import Store  # noqa: E402
from recsmith.serving.versions import Versions  # noqa: E402
from recsmith.testing.toy import tastes  # noqa: E402

POSTGRES = "RECSMITH_TEST_POSTGRES"


@pytest.fixture(scope="session")
def fitted():
    """A model that knows 60 people of four tastes."""
    return IALS(embedding_dim=8, n_epochs=5).fit(tastes())


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    """An empty database, dropped afterwards."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'store.db'}"
        return
    server = os.environ.get(POSTGRES)
    if server is None:
        pytest.skip(f"no PostgreSQL server named in {POSTGRES}")
    name = f"test_{uuid.uuid4().hex[:12]}"
    address = sa.make_url(server).set(drivername="postgresql+psycopg")
    admin = sa.create_engine(address, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    yield address.set(database=name, drivername="postgresql").render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    admin.dispose()


@pytest.fixture
def store(url):
    """An open store."""
    opened = Store(url)
    yield opened
    opened.close()


@pytest.fixture
def versions(fitted, tmp_path):
    """A place with one version."""
    place = Versions(tmp_path / "versions", keep=3)
    place.publish(fitted, {"recipe": {"class": "IALS", "embedding_dim": 8, "n_epochs": 5}})
    return place


@pytest.fixture
def engine(store, versions, fitted):
    """An engine on a store that was filled from the model."""
    first_load(store, fitted.memory)
    versions.publish(fitted, {"recipe": {"class": "IALS", "embedding_dim": 8}, "through": store.last_seq()})
    return Engine(store, versions)


@pytest.fixture
def settings(url, versions, fitted):
    """Settings of a service that is ready to start."""
    opened = Store(url)
    first_load(opened, fitted.memory)
    versions.publish(fitted, {"recipe": {"class": "IALS", "embedding_dim": 8}, "through": opened.last_seq()})
    opened.close()
    return ServeSettings(place=str(versions.folder), store=url, poll_seconds=0.05)


@pytest.fixture
def client(settings):
    """A client of a running service."""
    with TestClient(create_app(settings), raise_server_exceptions=False) as running:
        yield running
