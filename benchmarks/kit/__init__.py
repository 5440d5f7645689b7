"""What the questions are asked with: the peers, the clock, the turns, and the tables."""
