"""Rules about collector configurations."""
