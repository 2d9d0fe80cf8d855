"""Glint in Horizon. One package, so that one worker runs it, with one Horizon."""
