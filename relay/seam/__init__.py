"""The seam between two writers: text and ids, where a segment ends, and the exact prompt of whoever writes next."""
