"""The store: what came in, kept in a database before it is acknowledged."""

from recsmith.serving.store.store import Store, StoreFull, StoreUnavailable

__all__ = ["Store", "StoreFull", "StoreUnavailable"]
