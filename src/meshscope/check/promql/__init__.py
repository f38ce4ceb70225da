"""What can be known of a PromQL expression without a Prometheus: its labels, its values, and whether it is a condition.

`analysed` is the one analysis; the checks of rules read from it what is theirs to tell. What it can't know it says
nothing of, so that a rule which may be right is left alone.
"""
