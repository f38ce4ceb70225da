"""The ways to build an engine, one module each; a recipe names its way, and `build` puts the programs into place.

The code of a way is part of the digest of every engine built that way: a change here builds them anew.
"""
