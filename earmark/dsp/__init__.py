"""Signal processing as pure tensor functions: no settings, no state, any device."""
