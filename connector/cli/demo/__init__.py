"""The demo: the main job, end to end, against the bundled sandbox in a process of its own."""
