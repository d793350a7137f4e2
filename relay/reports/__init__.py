"""What a report of runs is made of, for the terminal, for pages and for papers."""
