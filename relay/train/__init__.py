"""Training the small models that ship with relay, each from its recipe and a seed, on any CPU."""
