"""A trained tagger at work: clips of any length in, scores out."""
