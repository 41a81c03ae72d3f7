"""From files to batches: sources, decoding, the packed store, folds and streams."""
