"""Exhibits of how customers come, stay and leave."""
