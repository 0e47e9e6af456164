"""Models that are torch networks (extra `neural`)."""
