"""Measures earmark's speed against peers and writes the page ``docs/benchmarks.md``; ``python -m bench`` runs it.

Every number is a ratio between two ways of doing the same work, which take turns within one run on the same cores: what
else the machine does then meets both. A benchmark is a module with ``measure(quick) -> list[Row]``, whose docstring
says on the page what is done; `bench.catalogue` names them all. Sounds are generated, so they run anywhere.
"""
