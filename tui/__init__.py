"""What the terminal shows: readings of events and of the run file, never of the runtime or an engine."""
