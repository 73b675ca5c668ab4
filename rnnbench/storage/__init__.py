"""What a trial leaves on disk: its identity, its record, and the one module that writes files."""
