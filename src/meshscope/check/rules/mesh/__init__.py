"""Rules about the mesh as a whole."""
