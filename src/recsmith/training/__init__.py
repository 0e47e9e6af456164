"""Training of torch networks: one loop, hooks at three moments, checkpoints that go on bit for bit."""

from recsmith.training.hooks import Hook, Moment, Stop
from recsmith.training.loop import Batches, train

__all__ = ["Batches", "Hook", "Moment", "Stop", "train"]
