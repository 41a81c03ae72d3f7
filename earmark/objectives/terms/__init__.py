"""Terms: one class a technique."""
