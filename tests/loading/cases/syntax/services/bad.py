# Ünïcödé before the error
name = "ü"; x = (
