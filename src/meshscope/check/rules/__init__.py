"""Our own rules, one file each: ``family/name.py`` judges, and its docstring is its page."""
