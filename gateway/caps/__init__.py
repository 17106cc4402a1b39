"""Caps that hold: what is reserved before, corrected after, in this process or across replicas."""
