"""recsmith: from an interaction log to recommendations, with an honest leaderboard on the way."""

__version__ = "0.1.0"
