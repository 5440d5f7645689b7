"""What is decided: which task first, whether it may start, and where; small pure things, each replaceable alone.

Rule: nothing here keeps state, and whatever says no can say why.
"""
