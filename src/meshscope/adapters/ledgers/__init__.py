"""Ledgers on disk, and what keeps them honest: one writer, a chain, anchors, backups."""
