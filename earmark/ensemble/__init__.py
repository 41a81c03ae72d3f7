"""Several models as one: blends, weights learnt on held-out clips, pruning, stacks, soups. Pure functions, no files."""
