"""How fast it is: one file a question, each asked of us and of our peers in one run (``python -m benchmarks``)."""
