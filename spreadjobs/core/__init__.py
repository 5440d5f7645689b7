"""What is true of a run and what follows: events in, actions out; no clock, no process, no payload."""
