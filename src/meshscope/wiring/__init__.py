"""Where folders become values and ports meet adapters; the only room that imports adapters."""
