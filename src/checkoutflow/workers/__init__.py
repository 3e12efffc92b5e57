"""Workers: whatever does what is due, in a thread, a process, or on many machines."""
