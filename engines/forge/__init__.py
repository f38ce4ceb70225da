"""How an engine is made: its pins and recipe, where it is kept, which Go compiles it, and what a person sees."""
