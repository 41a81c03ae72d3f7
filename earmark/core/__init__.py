"""The words everyone speaks: settings, manifests, predictions, batches, chance and errors."""
