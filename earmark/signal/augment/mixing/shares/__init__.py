"""How much of itself a clip keeps when it is mixed."""
