"""What a notebook starts with: frames in, frames out. `regulars.py` names it to the world."""
