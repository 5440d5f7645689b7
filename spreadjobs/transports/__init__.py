"""How a worker's process comes to be, and what the engine is given of it."""
