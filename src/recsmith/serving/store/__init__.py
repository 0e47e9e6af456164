"""The store: what came in, kept in a database before it is acknowledged."""

from recsmith.serving.store.store import Event, Item, Store, StoreFull, StoreUnavailable

__all__ = ["Event", "Item", "Store", "StoreFull", "StoreUnavailable"]
