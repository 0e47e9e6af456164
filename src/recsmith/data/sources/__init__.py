"""Where tables come from: files of several kinds, MovieLens, databases, event logs. One file a source."""
