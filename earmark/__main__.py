"""``python -m earmark`` is the same as ``earmark``."""

from earmark.cli.main import run

if __name__ == "__main__":
    run()
