"""Artefacts as files: a tree that is whole or not there, and a manifest that says where each file came from."""
