"""The flow: effects, programs, and the drivers that run them. Only here I/O is put in order."""
