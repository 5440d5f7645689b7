"""The one loop, and all that touches the world: processes, pipes, signals, the clock."""
