"""The one door through which every table comes in: checked once, nothing dropped in silence."""

from recsmith.data.door.door import admit, read_frame

__all__ = ["admit", "read_frame"]
