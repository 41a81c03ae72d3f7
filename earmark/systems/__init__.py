"""Published systems, each one short file that reads like its source's own outline."""
