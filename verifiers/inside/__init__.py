"""What runs in the sandbox. It needs Python's own library alone, and never relay: no more than this folder is there."""
